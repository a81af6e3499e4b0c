// A front-end's side of the contract with the registry, as far as the registry's tests need it.
#pragma once

#include "wire/proto/dispatcher.pb.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace stadion::dispatcher {

inline v1::JoinRequest join_request(const std::string& address, std::uint32_t capacity = 1000,
                                    const std::string& kind = "frontend") {
    v1::JoinRequest request;
    request.set_kind(kind);
    request.set_address(address);
    request.set_capacity(capacity);
    request.set_pid(4711);
    request.add_services("FrontEnd");
    return request;
}

// Counts clients and redeemed tickets at one moment, and repeats tickets
// until a heartbeat that had them was answered.
struct front_end {
    std::uint32_t id = 0;
    std::uint32_t clients = 0;
    std::uint32_t capacity = 1000;
    std::uint64_t sequence = 0;
    std::vector<std::string> redeemed;

    void register_client(const std::string& ticket) {
        ++clients;
        redeemed.push_back(ticket);
    }
    v1::HeartbeatRequest heartbeat() {
        v1::HeartbeatRequest request;
        request.set_server_id(id);
        request.set_sequence(++sequence);
        request.set_clients(clients);
        request.set_capacity(capacity);
        request.set_state(v1::Server::UP);
        request.mutable_redeemed()->Add(redeemed.begin(), redeemed.end());
        return request;
    }
    void answered(const v1::HeartbeatRequest& request) {
        const std::set<std::string> known(request.redeemed().begin(), request.redeemed().end());
        std::erase_if(redeemed, [&](const std::string& ticket) { return known.contains(ticket); });
    }
};

} // namespace stadion::dispatcher
