//! The description of the API for machines, made from the types that the API itself uses.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;

use crate::http::{
    audit, classroom, clients, clock, endpoints, health, history, keys, links, live, log, metrics, plc, problems,
    recordings, replay, routes, settings, signals, testbench, tls,
};

/// Everything that [`crate::http::operations`] offers; a test compares the two.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Crosstie",
        description = "Signals, endpoints, routes and settings of one hub. The messages of the live channel and the \
            meaning of every field are described in the manual, docs/manual/http-api.md.",
    ),
    paths(
        health::healthz,
        metrics::metrics,
        health::version,
        health::health,
        document,
        keys::me,
        keys::list,
        keys::add,
        keys::revoke,
        audit::list,
        history::points,
        history::state,
        signals::list,
        signals::one,
        signals::write,
        endpoints::list,
        endpoints::import,
        links::connect,
        links::disconnect,
        links::probe,
        clients::list,
        routes::list,
        routes::add,
        routes::change,
        routes::remove,
        routes::file::import,
        routes::file::export,
        routes::file::reload,
        recordings::list,
        recordings::start,
        recordings::stop,
        recordings::one,
        recordings::file,
        recordings::csv::table,
        recordings::remove,
        plc::list,
        plc::create,
        plc::one,
        plc::remove,
        plc::command,
        plc::program::upload,
        plc::program::download,
        plc::program::clear,
        plc::memory::read,
        plc::memory::write,
        plc::memory::write_all,
        plc::memory::toggle,
        plc::profile::read,
        plc::profile::change,
        plc::forces::list,
        plc::forces::release_all,
        plc::forces::force,
        plc::forces::release,
        plc::forces::clear_breakpoints,
        plc::forces::set_breakpoint,
        plc::forces::remove_breakpoint,
        classroom::state,
        classroom::catalog,
        classroom::console,
        classroom::join::show,
        classroom::join::change,
        classroom::select,
        classroom::screen,
        classroom::evaluate,
        classroom::order,
        classroom::add,
        classroom::remove,
        classroom::forget,
        replay::show,
        replay::start,
        replay::change,
        replay::order,
        clock::read,
        clock::change,
        clock::step,
        settings::list,
        settings::change,
        tls::tls,
        problems::acknowledge,
        testbench::list,
        testbench::run,
        testbench::accept,
        log::read,
        log::change,
        live::live,
        live::realvirtual,
        live::monitor,
        live::headset,
    )
)]
struct Description;

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses(
    (status = 200, body = Object, description = "an OpenAPI 3.1 document"),
))]
pub(crate) async fn document() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let text = Description::openapi().to_json();
        text.expect("names and texts of our own types are JSON")
    });
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_description_lists_every_operation_and_no_other() {
        let served: BTreeSet<(String, String)> = crate::http::operations()
            .into_iter()
            .map(|(method, path, _)| (method.as_str().to_lowercase(), path.replace("{*", "{")))
            .collect();
        let description = serde_json::to_value(Description::openapi()).unwrap();
        let described: BTreeSet<(String, String)> = description["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object()
                    .unwrap()
                    .keys()
                    .map(|method| (method.clone(), path.clone()))
            })
            .collect();
        assert_eq!(described, served);
    }
}
