//! A realvirtual v2 client in Rust: introduces itself, reads the catalog, subscribes, writes one signal, prints changes.

use std::error::Error;
use std::time::Duration;

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A realvirtual v2 client.
#[derive(Parser)]
struct Options {
    #[arg(default_value = "ws://127.0.0.1:1234/")]
    url: String,
    /// Signals to subscribe to, separated by commas [default: all].
    #[arg(long, value_delimiter = ',')]
    subscribe: Option<Vec<String>>,
    /// A signal to write once, NAME=VALUE.
    #[arg(long)]
    write: Option<String>,
    /// Count only changes of this signal.
    #[arg(long)]
    expect: Option<String>,
    /// Leave after this many changes.
    #[arg(long, default_value_t = 5)]
    count: u32,
    /// Fail after this many seconds.
    #[arg(long, default_value_t = 10)]
    limit: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let limit = Duration::from_secs(options.limit);
    tokio::time::timeout(limit, converse(&options))
        .await
        .map_err(|_| format!("fewer than {} changes within {limit:?}", options.count))?
        .map_err(|error| format!("{}: {error}", options.url))?;
    Ok(())
}

async fn converse(options: &Options) -> Result<(), Box<dyn Error>> {
    let (mut socket, _) = connect_async(&options.url).await?;

    // 1. Say who we are, and ask what there is.
    let init = json!({"type": "init", "version": 2, "name": "Rust example"});
    send(&mut socket, init).await?;
    send(&mut socket, json!({"type": "import_request", "version": 2})).await?;

    let mut seen = 0;
    while seen < options.count {
        let message = receive(&mut socket).await?;
        let signals = message["signals"].as_object().cloned().unwrap_or_default();
        match message["type"].as_str() {
            // 2. The catalog names every signal. We ask for some of them, or for all.
            Some("import_answer") => {
                for (name, value) in &signals {
                    println!("catalog  {name} {} = {value}", message["signalTypes"][name]);
                }
                let names = match &options.subscribe {
                    Some(names) => names.clone(),
                    None => signals.keys().cloned().collect(),
                };
                let subscribe = json!({"type": "subscribe", "version": 2, "subscribe": names});
                send(&mut socket, subscribe).await?;
            }
            // 3. The values that we subscribed to, complete. From here on only changes come.
            Some("snapshot") => {
                println!("snapshot {}", Value::Object(signals));
                if let Some((name, word)) = options.write.as_deref().and_then(|w| w.split_once('=')) {
                    // true, 42 and 2.5 are what they look like; everything else is text.
                    let value = serde_json::from_str(word).unwrap_or_else(|_| Value::from(word));
                    let written = Map::from_iter([(name.to_owned(), value)]);
                    let data = json!({"type": "data", "version": 2, "signals": written});
                    send(&mut socket, data).await?;
                }
            }
            // 4. Changes, for as long as we stay.
            Some("data") => {
                let expected = options.expect.as_ref().is_none_or(|name| signals.contains_key(name));
                seen += u32::from(expected);
                println!("data     {}", Value::Object(signals));
            }
            _ => {}
        }
    }
    socket.close(None).await?;
    Ok(())
}

async fn send(socket: &mut Socket, message: Value) -> Result<(), Box<dyn Error>> {
    socket.send(Message::text(message.to_string())).await?;
    Ok(())
}

/// The next message of the protocol; the socket answers pings by itself while we read.
async fn receive(socket: &mut Socket) -> Result<Value, Box<dyn Error>> {
    loop {
        match socket.next().await.ok_or("the hub closed the connection")?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Close(_) => return Err("the hub closed the connection".into()),
            _ => {}
        }
    }
}
