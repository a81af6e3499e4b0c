#include "net/session/http_router.hpp"

#include "net/session/http_session.hpp"

namespace stadion::net {
namespace {

std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> segments;
    if (!path.empty() && path.front() == '/') path.remove_prefix(1);
    while (true) {
        const auto slash = path.find('/');
        segments.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        path.remove_prefix(slash + 1);
    }
}

bool fits(http_method wanted, http_method have) {
    return wanted == have || (have == http_method::get && wanted == http_method::head);
}

} // namespace

void http_router::on_exchange(http_method method, std::string_view pattern, role_set need, handler run) {
    route added{method, {}, need, std::move(run), std::string(pattern)};
    bool is_exact = true;
    for (const auto segment : split_path(pattern)) {
        const bool is_capture = !segment.empty() && segment.front() == '{';
        is_exact = is_exact && !is_capture;
        added.segments.emplace_back(!is_capture ? segment : segment == "{*}" ? "{*}" : "{}");
    }
    if (is_exact) exact_[added.pattern].push_back(routes_.size());
    routes_.push_back(std::move(added));
}

void http_router::on(http_method method, std::string_view pattern, role_set need,
                     std::function<http_response(const http_request&)> run) {
    on_exchange(
        method, pattern, need,
        [run = std::move(run)](http_request&& request, const std::shared_ptr<http_exchange>& exchange) {
            exchange->respond(run(request));
        });
}

bool http_router::matches(const route& route, const std::vector<std::string_view>& segments,
                          std::vector<std::string>& captures) {
    captures.clear();
    for (std::size_t i = 0; i < route.segments.size(); ++i) {
        if (route.segments[i] == "{*}") return true;
        if (i >= segments.size()) return false;
        if (route.segments[i] != "{}") {
            if (route.segments[i] != segments[i]) return false;
            continue;
        }
        auto decoded = percent_decode(segments[i], false);
        if (!decoded || decoded->empty()) return false;
        captures.push_back(std::move(*decoded));
    }
    return route.segments.size() == segments.size();
}

http_router::match http_router::find(http_request& request) const {
    match result;
    const auto consider = [&](const route& candidate) {
        if (fits(request.method, candidate.method))
            result.found = &candidate;
        else
            result.allowed.push_back(candidate.method);
    };
    // The raw path is split, so that an escaped slash belongs to a name and separates nothing.
    const std::string_view raw = std::string_view(request.target).substr(0, request.target.find('?'));
    if (const auto exact = exact_.find(request.path); exact != exact_.end()) {
        for (const auto index : exact->second) {
            consider(routes_[index]);
            if (result.found != nullptr) return result;
        }
        return result;
    }
    const auto segments = split_path(raw);
    std::vector<std::string> captures;
    for (const auto& candidate : routes_) {
        if (!matches(candidate, segments, captures)) continue;
        consider(candidate);
        if (result.found != nullptr) {
            request.captures = std::move(captures);
            return result;
        }
    }
    return result;
}

} // namespace stadion::net
