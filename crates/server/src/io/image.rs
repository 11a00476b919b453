//! An image between a scan thread and whoever serves a slow device: atomics on both sides, the newest counts.
//!
//! A word is never torn. Words that a device reads one after the other may come from neighbouring scans, and the other way
//! round: the wire behind it promises no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crosstie_hub::plc::DeviceInputs;
use crosstie_ladder::address::IO_WORDS;
use crosstie_ladder::project::IoClaims;
use tokio::sync::Notify;

use super::{Device, Outputs};

/// What a device has read last, and what it is to carry.
#[derive(Debug)]
pub(crate) struct Image {
    inputs: [AtomicU32; IO_WORDS],
    /// By word of N.
    numbers_in: Box<[AtomicU32]>,
    outputs: [AtomicU32; IO_WORDS],
    /// By word of N.
    numbers_out: Box<[AtomicU32]>,
    /// The outputs are to be in their safe state.
    is_safe: AtomicBool,
    /// Counts changes of what the device is to carry.
    version: AtomicU64,
    is_over: AtomicBool,
    end: Notify,
}

fn words(count: usize) -> Box<[AtomicU32]> {
    (0..count).map(|_| AtomicU32::new(0)).collect()
}

impl Image {
    /// All 0, in the safe state.
    pub(crate) fn new() -> Image {
        let numbers = usize::from(u8::MAX) + 1;
        Image {
            inputs: Default::default(),
            numbers_in: words(numbers),
            outputs: Default::default(),
            numbers_out: words(numbers),
            is_safe: AtomicBool::new(true),
            version: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            end: Notify::new(),
        }
    }

    /// The device has read a bit of I. Only one thread or task calls this.
    pub(crate) fn set_input(&self, word: u8, bit: u8, on: bool) {
        let Some(cell) = self.inputs.get(usize::from(word)) else {
            return;
        };
        let mask = 1_u32.checked_shl(bit.into()).unwrap_or(0);
        match on {
            true => cell.fetch_or(mask, Ordering::Relaxed),
            false => cell.fetch_and(!mask, Ordering::Relaxed),
        };
    }

    /// The device has read a word of N.
    pub(crate) fn set_number(&self, word: u8, number: i32) {
        self.numbers_in[usize::from(word)].store(number as u32, Ordering::Relaxed);
    }

    /// Counts changes of what the device is to carry: read it before the values.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The outputs are to be in their safe state; so they are when nobody scans any more.
    pub(crate) fn is_safe(&self) -> bool {
        self.is_safe.load(Ordering::Acquire) || self.is_over()
    }

    /// A bit of O.
    pub(crate) fn output(&self, word: u8, bit: u8) -> bool {
        let word = self.outputs.get(usize::from(word));
        word.is_some_and(|word| word.load(Ordering::Acquire) >> bit & 1 == 1)
    }

    /// A word of N.
    pub(crate) fn number(&self, word: u8) -> i32 {
        self.numbers_out[usize::from(word)].load(Ordering::Acquire) as i32
    }

    /// The scan thread has let go of the device: it is to say its last values and to close.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Waits until that is so.
    pub(crate) async fn over(&self) {
        // Made before the question, so that no end in between is missed.
        let end = self.end.notified();
        if !self.is_over() {
            end.await;
        }
    }
}

/// The scan thread's end of an image. When it is dropped the device is over.
#[derive(Debug)]
pub(crate) struct ImageDevice {
    image: Arc<Image>,
    claims: IoClaims,
    numbers_in: Box<[u8]>,
    numbers_out: Box<[u8]>,
    /// What it carries; `None` in the safe state and before the first scan.
    carried: Option<[u32; IO_WORDS]>,
}

impl ImageDevice {
    /// The end of a device that moves these places.
    pub(crate) fn new(image: Arc<Image>, claims: IoClaims) -> ImageDevice {
        ImageDevice {
            image,
            claims,
            numbers_in: claims.numbers_in.iter().collect(),
            numbers_out: claims.numbers_out.iter().collect(),
            carried: None,
        }
    }
}

impl Device for ImageDevice {
    fn read(&mut self, inputs: &mut DeviceInputs) {
        let words = inputs.bits.words.iter_mut().zip(&mut inputs.bits.driven);
        for ((word, driven), (claimed, cell)) in words.zip(self.claims.inputs.iter().zip(&self.image.inputs)) {
            *word = *word & !claimed | cell.load(Ordering::Relaxed) & claimed;
            *driven |= claimed;
        }
        for word in &self.numbers_in {
            let number = self.image.numbers_in[usize::from(*word)].load(Ordering::Relaxed);
            inputs.numbers.push((*word, number as i32));
        }
    }

    fn write(&mut self, outputs: &Outputs<'_>) {
        let Some(bits) = outputs.bits else {
            if self.carried.take().is_some() {
                self.image.is_safe.store(true, Ordering::Release);
                self.image.version.fetch_add(1, Ordering::AcqRel);
            }
            return;
        };
        let mut has_changed = self.carried.is_none();
        let cells = self.image.outputs.iter().zip(bits.iter().zip(&self.claims.outputs));
        for (cell, (bits, claimed)) in cells {
            has_changed |= cell.load(Ordering::Relaxed) != bits & claimed;
            cell.store(bits & claimed, Ordering::Release);
        }
        for word in &self.numbers_out {
            let (index, cell) = (usize::from(*word), &self.image.numbers_out[usize::from(*word)]);
            has_changed |= cell.load(Ordering::Relaxed) != outputs.numbers[index];
            cell.store(outputs.numbers[index], Ordering::Release);
        }
        self.carried = Some(*bits);
        if has_changed {
            self.image.is_safe.store(false, Ordering::Release);
            self.image.version.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Drop for ImageDevice {
    fn drop(&mut self) {
        self.image.is_over.store(true, Ordering::Release);
        self.image.version.fetch_add(1, Ordering::AcqRel);
        // Not at the border of a scan: devices are exchanged and ended, not dropped, in between.
        self.image.end.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstie_ladder::address::INTEGER_WORDS;

    fn ends() -> (Arc<Image>, ImageDevice) {
        let mut claims = IoClaims::default();
        claims.inputs[0] = 0b110;
        claims.outputs[1] = 1 << 31;
        claims.numbers_in.add(7);
        claims.numbers_out.add(255);
        let image = Arc::new(Image::new());
        (Arc::clone(&image), ImageDevice::new(image, claims))
    }

    #[test]
    fn inputs_are_what_the_device_read_last_and_nothing_else_is_touched() {
        let (image, mut device) = ends();
        image.set_input(0, 1, true);
        image.set_input(0, 0, true);
        image.set_number(7, -5);
        let mut inputs = DeviceInputs::default();
        inputs.bits.words[0] = 0b1000;
        inputs.bits.driven[0] = 0b1000;
        device.read(&mut inputs);
        assert_eq!((inputs.bits.words[0], inputs.bits.driven[0]), (0b1010, 0b1110));
        assert_eq!(inputs.numbers, [(7, -5)]);
        image.set_input(0, 1, false);
        inputs.numbers.clear();
        device.read(&mut inputs);
        assert_eq!(inputs.bits.words[0], 0b1000);
    }

    #[test]
    fn a_version_counts_what_changed_and_not_every_scan() {
        let (image, mut device) = ends();
        let mut numbers = [0; INTEGER_WORDS];
        let mut bits = [0; IO_WORDS];
        assert!(image.is_safe(), "before the first scan");
        let safe = |device: &mut ImageDevice, numbers: &[u32; INTEGER_WORDS]| {
            device.write(&Outputs { bits: None, numbers });
        };
        safe(&mut device, &numbers);
        assert_eq!(image.version(), 0);
        let mut write = |bits: &[u32; IO_WORDS], numbers: &[u32; INTEGER_WORDS]| {
            device.write(&Outputs {
                bits: Some(bits),
                numbers,
            });
            image.version()
        };
        assert_eq!(write(&bits, &numbers), 1, "the first scan, although all is 0");
        assert!(!image.is_safe());
        assert_eq!(write(&bits, &numbers), 1);
        bits[1] = 1 << 31 | 1;
        bits[0] = 1;
        assert_eq!(write(&bits, &numbers), 2);
        assert!(image.output(1, 31) && !image.output(1, 0) && !image.output(0, 0));
        numbers[255] = -9_i32 as u32;
        numbers[0] = 1;
        assert_eq!(write(&bits, &numbers), 3);
        assert_eq!(image.number(255), -9);
        numbers[0] = 2;
        assert_eq!(write(&bits, &numbers), 3, "a word of nobody");
        safe(&mut device, &numbers);
        assert!(image.is_safe());
        assert_eq!(image.version(), 4);
        drop(device);
        assert!(image.is_over());
    }
}
