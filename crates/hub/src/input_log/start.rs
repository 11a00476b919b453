//! What a hub is told at its start and no project file says: chosen ports, ids, what retentive memory has kept.

use crate::plc::Granted;
use crate::settings::{RetainStart, Settings};
use crosstie_ladder::retain::RetainImage;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The settings of a hub as far as they do not follow from its project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    epoch_base: u64,
    locked_memory: Granted,
    engine_id: String,
    piplc_url: String,
    /// By endpoint.
    urls: Vec<String>,
    /// By context.
    retain: Vec<Option<Retain>>,
}

/// What a context began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Retain {
    Cold,
    /// An image, in Base64.
    Warm(String),
    Lost(String),
}

impl Start {
    /// What of these settings is no matter of the project.
    pub fn of(settings: &Settings) -> Start {
        let retain = settings.plcs.iter().map(|plc| {
            let start = &plc.retain.as_ref()?.start;
            Some(match start {
                RetainStart::Cold => Retain::Cold,
                RetainStart::Warm(image) => Retain::Warm(BASE64.encode(&image.to_bytes())),
                RetainStart::Lost(why) => Retain::Lost(why.clone()),
            })
        });
        Start {
            epoch_base: settings.epoch_base,
            locked_memory: settings.locked_memory,
            engine_id: settings.piplc.engine_id.clone(),
            piplc_url: settings.piplc.url.clone(),
            urls: settings.endpoints.iter().map(|endpoint| endpoint.url.clone()).collect(),
            retain: retain.collect(),
        }
    }

    /// Puts it into the settings of the same project.
    ///
    /// # Errors
    ///
    /// In words: the project has other endpoints or contexts, or an image of retentive memory cannot be read.
    pub fn put_into(self, settings: &mut Settings) -> Result<(), String> {
        let (endpoints, contexts) = (settings.endpoints.len(), settings.plcs.len());
        if (self.urls.len(), self.retain.len()) != (endpoints, contexts) {
            return Err(format!(
                "the recorded project has {} endpoints and {} PLC contexts, this one {endpoints} and {contexts}",
                self.urls.len(),
                self.retain.len(),
            ));
        }
        for (endpoint, url) in settings.endpoints.iter_mut().zip(self.urls) {
            endpoint.url = url;
        }
        for (plc, kept) in settings.plcs.iter_mut().zip(self.retain) {
            let (Some(retain), Some(kept)) = (&mut plc.retain, kept) else {
                continue;
            };
            retain.start = match kept {
                Retain::Cold => RetainStart::Cold,
                Retain::Lost(why) => RetainStart::Lost(why),
                Retain::Warm(text) => {
                    let unreadable = |why: String| format!("the retentive memory of '{}': {why}", plc.name);
                    let bytes = BASE64.decode(text.as_bytes());
                    let bytes = bytes.map_err(|error| unreadable(error.to_string()))?;
                    let image = RetainImage::from_bytes(&bytes).map_err(|error| unreadable(error.to_string()))?;
                    RetainStart::Warm(Arc::new(image))
                }
            };
        }
        settings.epoch_base = self.epoch_base;
        settings.locked_memory = self.locked_memory;
        settings.piplc.engine_id = self.engine_id;
        settings.piplc.url = self.piplc_url;
        Ok(())
    }
}
