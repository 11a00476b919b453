//! The fields that have more than one spelling or shape.

use crate::error::DecodeError;
use crate::json::Place;
use crate::json::field::{self, Slot};
use crate::json::scan::{NotJson, Scanner};
use crate::piplc::message::{BitTarget, Route, SlotTarget, WordTarget};
use crate::value::Span;

/// The region of a word whose sender names none.
const REGION_OF_INTEGERS: &str = "N";

/// A text and the escapes that were undone from it: what spans are places of.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    pub(super) text: &'a str,
    pub(super) side: &'a str,
}

impl<'a> Texts<'a> {
    pub(super) fn of(self, span: Span) -> &'a str {
        span.of_joined(self.text, self.side)
    }

    /// The text of a span; an empty one counts as missing.
    pub(super) fn filled(self, span: Option<Span>) -> Option<Box<str>> {
        span.map(|span| self.of(span))
            .filter(|text| !text.is_empty())
            .map(Box::from)
    }

    fn owned(self, span: Span) -> Box<str> {
        Box::from(self.of(span))
    }
}

/// The fields that say which bit, word, timer or counter is meant.
#[derive(Default)]
pub(super) struct Target {
    pub(super) address: Slot<Span>,
    pub(super) region: Slot<Span>,
    pub(super) word: Slot<u32>,
    pub(super) bit: Slot<u32>,
    pub(super) index: Slot<u32>,
}

impl Target {
    pub(super) fn bit(self, texts: Texts<'_>) -> Result<BitTarget, DecodeError> {
        if let Some(address) = self.address.take("address", texts.text)? {
            return Ok(BitTarget::Address(texts.owned(address)));
        }
        let Some(region) = self.region.take("region", texts.text)? else {
            return Err(DecodeError::MissingField { field: "address" });
        };
        Ok(BitTarget::Cell {
            region: texts.owned(region),
            word: self.word.demand("word", texts.text)?,
            bit: self.bit.demand("bit", texts.text)?,
        })
    }

    pub(super) fn word(self, texts: Texts<'_>) -> Result<WordTarget, DecodeError> {
        if let Some(address) = self.address.take("address", texts.text)? {
            return Ok(WordTarget::Address(texts.owned(address)));
        }
        let region = self.region.take("region", texts.text)?;
        let word = match self.word.take("word", texts.text)? {
            Some(word) => word,
            None => self
                .index
                .take("index", texts.text)?
                .ok_or(DecodeError::MissingField { field: "address" })?,
        };
        Ok(WordTarget::Cell {
            region: region.map_or_else(|| Box::from(REGION_OF_INTEGERS), |region| texts.owned(region)),
            word,
        })
    }

    pub(super) fn slot(self, texts: Texts<'_>) -> Result<SlotTarget, DecodeError> {
        if let Some(address) = self.address.take("address", texts.text)? {
            return Ok(SlotTarget::Address(texts.owned(address)));
        }
        let index = match self.index.take("index", texts.text)? {
            Some(index) => index,
            None => self
                .word
                .take("word", texts.text)?
                .ok_or(DecodeError::MissingField { field: "index" })?,
        };
        Ok(SlotTarget::Index(index))
    }
}

/// A field that is a bool for some types and a number for others.
#[derive(Default)]
pub(super) struct AnyScalar {
    bool: Slot<bool>,
    int: Slot<i64>,
}

impl AnyScalar {
    pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<AnyScalar, NotJson> {
        let found = scanner.kind();
        let offset = scanner.offset();
        let value = scanner.scalar()?;
        if found == "null" {
            return Ok(AnyScalar::default());
        }
        Ok(AnyScalar {
            bool: slot(value.as_bool(), "true or false", found, offset),
            int: slot(value.as_int(), "a whole number", found, offset),
        })
    }

    pub(super) fn bool(self, text: &str) -> Result<bool, DecodeError> {
        self.bool.demand("value", text)
    }

    pub(super) fn int(self, text: &str) -> Result<i64, DecodeError> {
        self.int.demand("value", text)
    }
}

fn slot<T>(content: Option<T>, expected: &'static str, found: &'static str, offset: usize) -> Slot<T> {
    let wrong = Slot::Wrong {
        expected,
        found,
        offset,
    };
    content.map_or(wrong, Slot::Present)
}

/// The routes of a table, read as they come because each has fields of its own.
#[derive(Default)]
pub(super) struct Routes {
    routes: Slot<Vec<Route>>,
    /// The first mistake within a route.
    error: Option<DecodeError>,
}

impl Routes {
    /// Reads `[{…},…]` and keeps at most `routes_max` of them.
    pub(super) fn read(scanner: &mut Scanner<'_>, text: &str, routes_max: usize) -> Result<Routes, NotJson> {
        let mut read = Routes {
            routes: Slot::Absent,
            error: None,
        };
        let mut routes = Vec::new();
        match field::open(scanner, b'[', "an array of objects")? {
            Slot::Present(()) => {}
            Slot::Absent => return Ok(read),
            Slot::Wrong {
                expected,
                found,
                offset,
            } => {
                read.routes = Slot::Wrong {
                    expected,
                    found,
                    offset,
                };
                return Ok(read);
            }
        }
        scanner.open()?;
        let mut first = true;
        let mut count = 0;
        while scanner.next_element(&mut first)? {
            count += 1;
            // The rest of a list that is refused is only checked: places of a thousand mistakes are of no use.
            if count > routes_max || read.error.is_some() {
                scanner.skip()?;
                continue;
            }
            match read_route(scanner, text)? {
                Ok(route) => routes.push(route),
                Err(error) => read.error = Some(error),
            }
        }
        if count > routes_max {
            let (limit, got) = (routes_max, count);
            read.error.get_or_insert(DecodeError::TooManyRoutes { limit, got });
        }
        read.routes = Slot::Present(routes);
        Ok(read)
    }

    /// The routes; none when the field is missing.
    pub(super) fn take(self, text: &str) -> Result<Vec<Route>, DecodeError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.routes.take("routes", text)?.unwrap_or_default()),
        }
    }
}

/// Reads one element of a list of routes. What is no JSON at all ends the scan; what is no route is told within the result.
fn read_route(scanner: &mut Scanner<'_>, text: &str) -> Result<Result<Route, DecodeError>, NotJson> {
    const EXPECTED: &str = "an object for each route";

    let offset = scanner.offset();
    let wrong = match field::open(scanner, b'{', EXPECTED)? {
        Slot::Present(()) => None,
        Slot::Absent => Some("null"),
        Slot::Wrong { found, .. } => Some(found),
    };
    if let Some(found) = wrong {
        return Ok(Err(DecodeError::FieldKind {
            field: "routes",
            expected: EXPECTED,
            found,
            place: Place::of(text, offset),
        }));
    }
    let mut fields = RouteFields::default();
    scanner.open()?;
    let mut first = true;
    while let Some(key) = scanner.next_key(&mut first)? {
        fields.read(scanner, key)?;
    }
    Ok(fields.into_route(text, |span| Box::from(scanner.str_of(span))))
}

#[derive(Default)]
struct RouteFields {
    route_id: Slot<Span>,
    src_context: Slot<Span>,
    src_address: Slot<Span>,
    dst_context: Slot<Span>,
    dst_address: Slot<Span>,
    data_type: Slot<i32>,
    enabled: Slot<bool>,
    interval_ms: Slot<u32>,
    description: Slot<Span>,
}

impl RouteFields {
    fn read(&mut self, scanner: &mut Scanner<'_>, key: Span) -> Result<(), NotJson> {
        match scanner.str_of(key) {
            "routeId" => self.route_id = field::text(scanner)?,
            "srcContext" => self.src_context = field::text(scanner)?,
            "srcAddress" => self.src_address = field::text(scanner)?,
            "dstContext" => self.dst_context = field::text(scanner)?,
            "dstAddress" => self.dst_address = field::text(scanner)?,
            "dataType" => self.data_type = int32(scanner)?,
            "enabled" => self.enabled = field::bool(scanner)?,
            "intervalMs" => self.interval_ms = uint32(scanner)?,
            "description" => self.description = field::text(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    }

    fn into_route(self, text: &str, owned: impl Fn(Span) -> Box<str>) -> Result<Route, DecodeError> {
        let default = Route::default();
        let string = |slot: Slot<Span>, field| Ok(slot.take(field, text)?.map(&owned).unwrap_or_default());
        Ok(Route {
            route_id: self
                .route_id
                .take("routeId", text)?
                .map(&owned)
                .filter(|id| !id.is_empty()),
            src_context: string(self.src_context, "srcContext")?,
            src_address: string(self.src_address, "srcAddress")?,
            dst_context: string(self.dst_context, "dstContext")?,
            dst_address: string(self.dst_address, "dstAddress")?,
            // compat: PL-20, a word instead of a number counts as 0.
            data_type: self.data_type.lenient().unwrap_or(default.data_type),
            enabled: self.enabled.take("enabled", text)?.unwrap_or(default.enabled),
            interval_ms: self
                .interval_ms
                .take("intervalMs", text)?
                .unwrap_or(default.interval_ms),
            description: string(self.description, "description")?,
        })
    }
}

/// Reads a number of 16 bits, such as PRE and ACC.
pub(super) fn int16(scanner: &mut Scanner<'_>) -> Result<Slot<i16>, NotJson> {
    field::int_within(
        scanner,
        "a whole number from -32768 to 32767",
        "a number out of this range",
    )
}

/// Reads a number of 32 bits.
pub(super) fn int32(scanner: &mut Scanner<'_>) -> Result<Slot<i32>, NotJson> {
    field::int_within(scanner, "a whole number of 32 bits", "a number out of this range")
}

/// Reads an index, or another number of 32 bits that is not negative.
pub(super) fn uint32(scanner: &mut Scanner<'_>) -> Result<Slot<u32>, NotJson> {
    field::int_within(
        scanner,
        "a whole number from 0 to 4294967295",
        "a number out of this range",
    )
}
