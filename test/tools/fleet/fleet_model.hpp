// Reports of a fleet that is well, for tests to spoil.
#pragma once

#include "tools/fleet/fleet_report.hpp"

namespace stadion::tools {

inline server_report server(const char* kind, std::uint32_t id) {
    server_report one;
    one.listed.set_kind(kind);
    one.listed.set_server_id(id);
    one.listed.set_address("127.0.0.1:" + std::to_string(7400 + id));
    one.listed.set_state(v1::Server::UP);
    one.answers = one.ready = true;
    one.state = "UP";
    return one;
}

inline fleet_report healthy() {
    return {"127.0.0.1:7400",
            "",
            {server("dispatcher", 1), server("dbserver", 2), server("frontend", 3), server("frontend", 4)},
            {},
            2,
            {}};
}

} // namespace stadion::tools
