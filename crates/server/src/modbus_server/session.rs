//! One client of a Modbus TCP server: request after request, each answered before the next is read.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crosstie_hub::access::Actor;
use crosstie_hub::api::plc::{PlcReply, PlcRequest};
use crosstie_hub::api::{Reply, Request};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::Server;
use super::frame::{self, FrameError, HEAD_LEN, MESSAGE_MAX};
use super::message::{self, Exception, Plan};

/// How long a client may say nothing. Then its connection is closed: it may be gone without a word.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// How long a request may take from its first byte to its last. Then the connection is closed.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// How long an answer may wait for its reader. Then the connection is closed.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// How long the hub may take; engines are given up after five seconds. Then the client is told that the server is busy.
const HUB_TIME_MAX: Duration = Duration::from_secs(6);

/// Bytes that are read ahead of one client: the longest frame. More waits in the socket, so the client waits.
const READ_AHEAD: usize = HEAD_LEN + MESSAGE_MAX;

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("closed by the client")]
    Closed,
    #[error("no request within {} s", IDLE_MAX.as_secs())]
    Idle,
    #[error("a request that was not complete within {} s", REQUEST_TIME_MAX.as_secs())]
    Slow,
    #[error("an answer that was not taken within {} s", ANSWER_TIME_MAX.as_secs())]
    NotTaken,
    #[error("the hub is shutting down")]
    Gone,
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        End::Frame(FrameError::Io(error))
    }
}

impl Server {
    /// Serves one client until one of the two ends it.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, address: SocketAddr, permit: OwnedSemaphorePermit) {
        let server = &self.port.config.name;
        tracing::info!(server, %address, "a Modbus client has connected");
        let by = Actor {
            access: Arc::clone(&self.access),
            from: address.to_string().into(),
        };
        let end = match self.converse(stream, &by).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        tracing::info!(server, %address, reason = %end, "a Modbus client is gone");
        drop(permit);
    }

    async fn converse(&self, stream: impl AsyncRead + AsyncWrite, by: &Actor) -> Result<std::convert::Infallible, End> {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut reader = std::pin::pin!(BufReader::with_capacity(READ_AHEAD, reader));
        let mut request = [0; MESSAGE_MAX];
        loop {
            let begun = timeout(IDLE_MAX, reader.fill_buf()).await.map_err(|_| End::Idle)??;
            if begun.is_empty() {
                return Err(End::Closed);
            }
            let head = timeout(REQUEST_TIME_MAX, frame::read(&mut reader, &mut request));
            let head = head.await.map_err(|_| End::Slow)??;
            let answer = self.answer(by, head.unit, &request[..head.len]).await?;
            let frame = frame::written(head, &answer);
            let taken = timeout(ANSWER_TIME_MAX, writer.write_all(&frame));
            taken.await.map_err(|_| End::NotTaken)??;
        }
    }

    async fn answer(&self, by: &Actor, unit: u8, request: &[u8]) -> Result<Vec<u8>, End> {
        let answer = match message::plan(&self.port.config, unit, request) {
            Ok(plan) => self.execute(by, plan, request).await?,
            Err(exception) => Err(exception),
        };
        self.port.figures.count(answer.as_ref().err().copied());
        Ok(answer.unwrap_or_else(|exception| exception.answer(request)))
    }

    async fn execute(&self, by: &Actor, plan: Plan<'_>, request: &[u8]) -> Result<Result<Vec<u8>, Exception>, End> {
        let context = self.port.config.context.clone().unwrap_or_default();
        let wanted = match &plan {
            Plan::Read(_) => PlcRequest::Memory { context },
            Plan::Write(writes) => PlcRequest::WriteAll {
                context,
                writes: writes.clone(),
            },
        };
        let asked = self.door.ask(by.clone(), Request::Plc(wanted));
        let Ok(reply) = timeout(HUB_TIME_MAX, asked).await else {
            return Ok(Err(Exception::Busy));
        };
        Ok(match (plan, reply.map_err(|_| End::Gone)?) {
            (Plan::Read(cells), Reply::Plc(PlcReply::Memory(memory))) => {
                Ok(message::shown(request, cells, &memory.words))
            }
            (Plan::Write(_), Reply::Plc(PlcReply::WrittenAll(_))) => Ok(message::written(request)),
            (_, Reply::Refused(why)) => {
                tracing::debug!(server = self.port.config.name, %why, "a Modbus request was not carried out");
                Err(Exception::Failure)
            }
            _ => Err(Exception::Failure),
        })
    }
}
