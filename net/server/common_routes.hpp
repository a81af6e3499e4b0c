// What every server answers, whatever its kind: sections 1 and 2 of the public face.
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
