// Which handler answers which path and method. Filled at start, then read by every worker without a lock.
#pragma once

#include "net/http/http_message.hpp"
#include "net/loop/asio.hpp"

#include <functional>
#include <unordered_map>

namespace stadion::net {

class http_exchange;

class http_router {
public:
    // Answers through the exchange, now or later; see http_session.hpp.
    using handler = std::function<void(http_request&&, const std::shared_ptr<http_exchange>&)>;

    struct route {
        http_method method;
        std::vector<std::string> segments; // "{}" matches one segment, "{*}" the rest of the path
        role_set need = anyone;
        handler run;
        std::string pattern;
    };

    void on_exchange(http_method method, std::string_view pattern, role_set need, handler run);

    // http_response run(const http_request&)
    void on(http_method method, std::string_view pattern, role_set need,
            std::function<http_response(const http_request&)> run);

    // A coroutine; the request outlives it.
    void on_async(http_method method, std::string_view pattern, role_set need,
                  std::function<awaitable<http_response>(std::shared_ptr<const http_request>)> run);

    struct match {
        const route* found = nullptr;
        std::vector<http_method> allowed; // the methods of that path, when only the method did not fit
    };

    // Sets the request's captures.
    match find(http_request& request) const;

    const std::vector<route>& routes() const noexcept { return routes_; }

private:
    static bool matches(const route& route, const std::vector<std::string_view>& segments,
                        std::vector<std::string>& captures);

    std::vector<route> routes_;
    std::unordered_map<std::string, std::vector<std::size_t>> exact_; // paths without {…}
};

} // namespace stadion::net
