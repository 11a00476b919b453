//! The part of a project that the hub itself is told.

use super::Config;
use super::plcs::hub_contexts;
use crosstie_hub::limits::Limits;
use crosstie_hub::plc::Granted;
use crosstie_hub::settings::{EndpointSettings, PiplcSettings, Settings};

impl Config {
    /// The settings that a hub is started with; `epoch_base` must be larger at every start (see [`Settings::epoch_base`]). The id
    /// of the engine is kept with the state of the project and not among these.
    pub fn hub_settings(&self, epoch_base: u64) -> Settings {
        Settings {
            project: self.project.name.clone(),
            epoch_base,
            stale_after: self.hub.stale_after,
            endpoints: self.endpoints.iter().map(super::EndpointConfig::hub_settings).collect(),
            routes: self.routes.clone(),
            clock: self.clock.mode(),
            plcs: hub_contexts(self.piplc.as_ref(), &self.plcs),
            locked_memory: Granted::NotAsked,
            piplc: self
                .piplc
                .as_ref()
                .map_or_else(PiplcSettings::default, |piplc| PiplcSettings {
                    engine_name: piplc.engine_name.clone(),
                    contexts_max: piplc.contexts_max,
                    url: piplc.url(),
                    ..PiplcSettings::default()
                }),
            classroom: self.classroom.as_ref().map(super::ClassroomConfig::hub_settings),
            limits: Limits {
                signals_max: self.hub.max_signals,
                clients_max: self.hub.max_clients,
                ..Limits::default()
            },
        }
    }
}

impl super::EndpointConfig {
    /// The part of an endpoint that the hub is told.
    pub fn hub_settings(&self) -> EndpointSettings {
        EndpointSettings {
            name: self.name.clone(),
            url: self.url(),
            link: (self.role == super::Role::Client).then(|| self.link.settings.clone()),
            update_cycle: self.update_cycle,
            only_transmit_changed: self.only_transmit_changed,
            direction_convention: self.direction_convention,
            auto_register: self.auto_register,
            push_on_connect: self.push_on_connect,
            reset_on_disconnect: self.reset_on_disconnect,
            hold_pulses: self.hold_pulses,
            echo: self.echo,
            debug: self.debug,
            use_pattern_matching: self.use_pattern_matching,
            input_patterns: self.input_patterns.clone(),
            output_patterns: self.output_patterns.clone(),
            default_signal_direction: self.default_signal_direction,
            signals: self.signals.clone(),
        }
    }
}
