// The paths and methods that every server answers: /livez, /readyz, /status, /metrics, /openapi.json,
// /services, the service Introspection, and the RPCs over HTTP.
#pragma once

namespace stadion::net {

class server;

struct common_routes {
    static void add_to(server& one);

private:
    static void add_health(server& one);
    static void add_status(server& one);
    static void add_introspection(server& one);
};

} // namespace stadion::net
