#include "net/rpc/rpc_router.hpp"

#include <cassert>
#include <cstdio>

namespace stadion::net {

rpc_router::rpc_router() { routes_.resize(wire::methods().all().back().number + 1U); }

void rpc_router::on_encoded(std::string_view service, std::string_view method, role_set need, handler run) {
    const auto* found = wire::methods().find(service, method);
    assert(found != nullptr && "a handler for a method that no .proto file declares");
    routes_[found->number] = {found, need, std::move(run)};
}

std::vector<const wire::method*> rpc_router::offered() const {
    std::vector<const wire::method*> found;
    for (const auto& one : routes_)
        if (one.run) found.push_back(one.method);
    return found;
}

wire::error rpc_router::not_offered(std::uint16_t number, std::string_view kind) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "0x%04x", number);
    const auto* known = wire::methods().find(number);
    return wire::make_error(wire::status::unimplemented,
                            known == nullptr ? "no such method: " + std::string(hex)
                                             : "this " + std::string(kind) + " does not offer " +
                                                   known->full_name() + " (" + hex + ")");
}

bool rpc_router::parse(call& one, google::protobuf::Message& request) {
    if (request.ParseFromArray(one.body().data(), static_cast<int>(one.body().size()))) return true;
    one.fail(wire::make_error(wire::status::invalid_argument, "the body of " + one.method().full_name() +
                                                                  " is not a valid " +
                                                                  request.GetDescriptor()->name()));
    return false;
}

} // namespace stadion::net
