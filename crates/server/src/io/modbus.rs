//! A Modbus TCP server as a device: a task polls it and keeps an image; the scan thread sees only that.
//!
//! One request is on its way at a time. An answer that does not come within `timeoutMs` ends the connection, so that a late one
//! is never taken for another's; so does everything that is no answer to what was asked. Then the task connects again, for
//! ever, and writes all outputs anew. An exception ends nothing: the device is there and says no, and its reason is shown until
//! a whole round works again.

mod carried;
mod plan;
mod words;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use crosstie_ladder::project::{IoClaims, ModbusClient};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::{Request, Response, Slave};

use super::image::{Image, ImageDevice};
use super::register::{from_register, to_register};
use super::{Device, Status};
use carried::Outputs;
use plan::{READ_BITS_MAX, READ_REGISTERS_MAX, Span, WRITE_BITS_MAX, WRITE_REGISTERS_MAX, spans};
use words::{Deed, Kind};

/// The first pause before connecting again; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long connecting may take at least, name and handshake together: `timeoutMs` is meant for answers.
const CONNECT_MIN: Duration = Duration::from_secs(1);
/// How often the task looks whether outputs are others: so much later than the scan they go out at most.
const OUTPUTS_EVERY: Duration = Duration::from_millis(5);
/// How long the last values of the outputs may take when the device is let go.
const LAST_VALUES_MAX: Duration = Duration::from_millis(500);

/// Begins to poll a server. The task holds `alive` until it has ended.
pub(super) fn open(
    client: &ModbusClient,
    claims: IoClaims,
    (status, hold_all): (&Arc<Status>, bool),
    runtime: &Handle,
    alive: SyncSender<()>,
) -> Box<dyn Device> {
    let image = Arc::new(Image::new());
    let poller = Poller::new(client, Arc::clone(&image), Arc::clone(status), hold_all);
    let over = Arc::clone(&image);
    runtime.spawn(async move {
        tokio::select! {
            () = poller.run() => {}
            () = async {
                over.over().await;
                tokio::time::sleep(LAST_VALUES_MAX).await;
            } => {}
        }
        drop(alive);
    });
    Box::new(ImageDevice::new(image, claims))
}

/// Where a bit stands: word and bit.
type BitPlace = (u8, u8);

/// The task.
#[derive(Debug)]
struct Poller {
    host: String,
    port: u16,
    unit: Slave,
    answer_max: Duration,
    poll_every: Duration,
    image: Arc<Image>,
    status: Arc<Status>,
    discrete_inputs: Vec<Span<BitPlace>>,
    input_registers: Vec<Span<u8>>,
    coils: Outputs<BitPlace, bool>,
    holding_registers: Outputs<u8, u16>,
}

/// The connection is of no use any more, and why.
#[derive(Debug)]
struct Lost(String);

/// Why a server said no in a round.
type Refusal = Option<String>;

impl Poller {
    fn new(client: &ModbusClient, image: Arc<Image>, status: Arc<Status>, hold_all: bool) -> Poller {
        let inputs = client.discrete_inputs.iter();
        let inputs = inputs.map(|bit| (bit.modbus_addr, (bit.plc_word, bit.plc_bit)));
        let registers = client.input_registers.iter();
        let registers = registers.map(|word| (word.modbus_addr, word.plc_n_word));
        let coils = client.coils.iter();
        let coils = coils.map(|bit| (bit.modbus_addr, (bit.plc_word, bit.plc_bit), bit.safe_state));
        let holding = client.holding_registers.iter();
        let holding = holding.map(|word| (word.modbus_addr, word.plc_n_word, word.safe_state));
        Poller {
            host: client.host.trim_matches(['[', ']']).to_owned(),
            port: client.port,
            unit: Slave(client.unit_id),
            answer_max: Duration::from_millis(client.timeout_ms.into()),
            poll_every: Duration::from_millis(client.poll_interval_ms.into()),
            image,
            status,
            discrete_inputs: spans(inputs, READ_BITS_MAX),
            input_registers: spans(registers, READ_REGISTERS_MAX),
            coils: Outputs::new(coils, hold_all, WRITE_BITS_MAX),
            holding_registers: Outputs::new(holding, hold_all, WRITE_REGISTERS_MAX),
        }
    }

    /// Connects and polls until the device is let go.
    async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        loop {
            let lost = match self.connect().await {
                Ok(mut connection) => {
                    self.coils.forget();
                    self.holding_registers.forget();
                    match self.serve(&mut connection, &mut pause).await {
                        // Nothing more is to be said; a server that does not hear the end loses nothing.
                        Ok(()) => return drop(connection.disconnect().await),
                        Err(Lost(text)) => text,
                    }
                }
                Err(text) => text,
            };
            self.status.error();
            self.status.down(lost);
            let again = Instant::now() + pause;
            pause = (pause * 2).min(PAUSE_MAX);
            tokio::select! {
                () = sleep_until(again) => {}
                () = self.image.over() => return,
            }
        }
    }

    async fn connect(&self) -> Result<Context, String> {
        let limit = self.answer_max.max(CONNECT_MIN);
        let connected = timeout(limit, TcpStream::connect((self.host.as_str(), self.port))).await;
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(format!("connecting failed: {error}")),
            Err(_) => return Err(format!("no connection within {} ms", limit.as_millis())),
        };
        // Requests are small and each waits for its answer.
        stream
            .set_nodelay(true)
            .map_err(|error| format!("connecting failed: {error}"))?;
        Ok(tcp::attach_slave(stream, self.unit))
    }

    /// Polls and writes until the device is let go.
    async fn serve(&mut self, connection: &mut Context, pause: &mut Duration) -> Result<(), Lost> {
        let mut poll_at = Instant::now();
        let mut seen = None;
        loop {
            let is_due = Instant::now() >= poll_at;
            let version = self.image.version();
            let mut refusal = None;
            if is_due || seen != Some(version) {
                seen = Some(version);
                refusal = self.write(connection).await?;
            }
            if self.image.is_over() {
                return Ok(());
            }
            if is_due {
                let read = self.read(connection).await?;
                self.judge(refusal.or(read), pause);
                let now = Instant::now();
                poll_at += self.poll_every;
                if poll_at < now {
                    // A server that is slower than it is polled is not asked twice in a row for that.
                    poll_at = now + self.poll_every;
                }
            } else if let Some(text) = refusal {
                self.refused(text);
            }
            let next = poll_at.min(Instant::now() + OUTPUTS_EVERY);
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.image.over() => {}
            }
        }
    }

    /// A round is over.
    fn judge(&self, refusal: Refusal, pause: &mut Duration) {
        match refusal {
            None => {
                *pause = PAUSE_MIN;
                self.status.up();
            }
            Some(text) => self.refused(text),
        }
    }

    fn refused(&self, text: String) {
        self.status.error();
        self.status.broken(text);
    }

    /// Reads all inputs; what the server refuses stays as it was.
    async fn read(&self, connection: &mut Context) -> Result<Refusal, Lost> {
        let mut refusal = None;
        for span in &self.discrete_inputs {
            let (deed, count) = deed(Kind::DiscreteInput, span);
            let request = Request::ReadDiscreteInputs(span.addr, count);
            match self.ask(connection, deed, request).await? {
                Ok(Response::ReadDiscreteInputs(bits)) if bits.len() == span.items.len().next_multiple_of(8) => {
                    let places = span.items.iter().zip(bits);
                    places.for_each(|((word, bit), on)| self.image.set_input(*word, *bit, on));
                }
                Ok(_) => return Err(Lost(words::misfit(deed))),
                Err(text) => refusal = refusal.or(Some(text)),
            }
        }
        for span in &self.input_registers {
            let (deed, count) = deed(Kind::InputRegister, span);
            let request = Request::ReadInputRegisters(span.addr, count);
            match self.ask(connection, deed, request).await? {
                Ok(Response::ReadInputRegisters(registers)) if registers.len() == span.items.len() => {
                    let places = span.items.iter().zip(registers);
                    places.for_each(|(word, register)| self.image.set_number(*word, from_register(register)));
                }
                Ok(_) => return Err(Lost(words::misfit(deed))),
                Err(text) => refusal = refusal.or(Some(text)),
            }
        }
        Ok(refusal)
    }

    /// Writes the outputs that the server has not confirmed as they are to be.
    async fn write(&mut self, connection: &mut Context) -> Result<Refusal, Lost> {
        let is_safe = self.image.is_safe();
        let mut refusal = None;
        let image = Arc::clone(&self.image);
        for span in self.coils.due(is_safe, |(word, bit)| image.output(word, bit)) {
            let (deed, count) = deed(Kind::Coil, &span);
            let bits: Vec<bool> = span.items.iter().map(|(_, on)| *on).collect();
            let (request, expected) = match bits[..] {
                [on] => (
                    Request::WriteSingleCoil(span.addr, on),
                    Response::WriteSingleCoil(span.addr, on),
                ),
                _ => (
                    Request::WriteMultipleCoils(span.addr, Cow::Owned(bits)),
                    Response::WriteMultipleCoils(span.addr, count),
                ),
            };
            match self.ask(connection, deed, request).await? {
                Ok(answer) if answer == expected => self.coils.confirm(&span),
                Ok(_) => return Err(Lost(words::misfit(deed))),
                Err(text) => refusal = refusal.or(Some(text)),
            }
        }
        let number = |word| to_register(image.number(word));
        for span in self.holding_registers.due(is_safe, number) {
            let (deed, count) = deed(Kind::HoldingRegister, &span);
            let registers: Vec<u16> = span.items.iter().map(|(_, register)| *register).collect();
            let (request, expected) = match registers[..] {
                [register] => (
                    Request::WriteSingleRegister(span.addr, register),
                    Response::WriteSingleRegister(span.addr, register),
                ),
                _ => (
                    Request::WriteMultipleRegisters(span.addr, Cow::Owned(registers)),
                    Response::WriteMultipleRegisters(span.addr, count),
                ),
            };
            match self.ask(connection, deed, request).await? {
                Ok(answer) if answer == expected => self.holding_registers.confirm(&span),
                Ok(_) => return Err(Lost(words::misfit(deed))),
                Err(text) => refusal = refusal.or(Some(text)),
            }
        }
        Ok(refusal)
    }

    /// One request and its answer; the inner error is an exception in words.
    async fn ask(
        &self,
        connection: &mut Context,
        deed: Deed,
        request: Request<'_>,
    ) -> Result<Result<Response, String>, Lost> {
        match timeout(self.answer_max, connection.call(request)).await {
            Ok(Ok(Ok(response))) => Ok(Ok(response)),
            Ok(Ok(Err(exception))) => Ok(Err(words::exception(deed, exception))),
            Ok(Err(error)) => Err(Lost(words::lost(deed, &error))),
            Err(_) => Err(Lost(words::silent(deed, self.answer_max))),
        }
    }
}

/// What a span asks for, and how many of it. No span is longer than a request may be.
fn deed<T>(kind: Kind, span: &Span<T>) -> (Deed, u16) {
    let count = span.items.len();
    let deed = Deed {
        kind,
        addr: span.addr,
        count,
    };
    (deed, u16::try_from(count).unwrap_or(u16::MAX))
}
