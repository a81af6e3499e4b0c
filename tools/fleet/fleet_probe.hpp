// Asks a fleet how it is: the dispatcher for its servers, then all of them at once for what they say of
// themselves. Threading: the worker given.
#pragma once

#include "net/http/http_client.hpp"
#include "tools/fleet/fleet_report.hpp"

namespace stadion::tools {

class fleet_probe {
public:
    fleet_probe(net::worker& home, std::string dispatcher, std::string token);

    // Takes little more than eight times `within` at most. The report says what could not be asked.
    net::awaitable<fleet_report> ask(std::chrono::milliseconds within);

private:
    net::awaitable<wire::result<net::http_response>> get(std::string address, std::string target,
                                                         std::chrono::milliseconds within);
    net::awaitable<void> see_who_catches_up(fleet_report& report, std::chrono::milliseconds within);
    net::awaitable<void> ask_server(server_report& server, std::chrono::milliseconds within);

    net::worker& home_;
    std::string dispatcher_;
    std::string token_;
    net::http_client http_;
};

} // namespace stadion::tools
