#include "net/session/server_context.hpp"

namespace stadion::net {

wire::error server_context::overloaded() {
    auto failure = wire::make_error(wire::status::resource_exhausted,
                                    "the connections of this machine's servers hold too many bytes");
    failure.retry_after = std::chrono::milliseconds{100};
    return failure;
}

} // namespace stadion::net
