// A link's calls as coroutines await them.
#include "net/rpc/link.hpp"

namespace stadion::net {

awaitable<wire::result<std::string>> link::ask_encoded(std::uint16_t method, const std::string& body,
                                                       const call_options& options) {
    auto initiate = [self = shared_from_this(), method, body, options](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        self->call(method, body, options, [shared](wire::result<reply> outcome) {
            if (outcome)
                std::move (*shared)(wire::result<std::string>(std::string(outcome->body)));
            else
                std::move (*shared)(wire::result<std::string>(std::move(outcome).error()));
        });
    };
    return asio::async_initiate<decltype(use_awaitable), void(wire::result<std::string>)>(std::move(initiate),
                                                                                          use_awaitable);
}

} // namespace stadion::net
