// The table of HTTP paths, methods and their handlers. Filled at start, then read by all workers without a
// lock.
#pragma once

#include "net/http/http_message.hpp"

#include <functional>
#include <unordered_map>

namespace stadion::net {

class http_exchange;

class http_router {
public:
    // Answers through the exchange, at once or later; see http_session.hpp.
    using handler = std::function<void(http_request&&, const std::shared_ptr<http_exchange>&)>;

    struct route {
        http_method method;
        std::vector<std::string> segments; // "{}" matches one segment, "{*}" the rest of the path
        role_set need = anyone;
        handler run;
        std::string pattern;
    };

    void on_exchange(http_method method, std::string_view pattern, role_set need, handler run);

    // For handlers that answer at once.
    void on(http_method method, std::string_view pattern, role_set need,
            std::function<http_response(const http_request&)> run);

    struct match {
        const route* found = nullptr;
        std::vector<http_method> allowed; // of the path, when it exists but not with this method
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
