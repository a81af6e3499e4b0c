#include "net/http/http_message.hpp"

#include <boost/beast/http/status.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace stadion::net {
namespace urls = boost::urls;

std::string_view http_method_name(http_method method) noexcept {
    switch (method) {
    case http_method::get:
        return "GET";
    case http_method::head:
        return "HEAD";
    case http_method::post:
        return "POST";
    case http_method::put:
        return "PUT";
    case http_method::delete_:
        return "DELETE";
    case http_method::options:
        return "OPTIONS";
    case http_method::other:
        break;
    }
    return "OTHER";
}

std::string_view http_request::header(std::string_view name) const noexcept {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

std::optional<std::string_view> http_request::parameter(std::string_view name) const noexcept {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return std::nullopt;
}

http_response problem(const wire::error& failure, std::string_view origin) {
    // An error may carry a more exact status than its code has, such as 422 or 507.
    auto status = wire::http_status(failure.code);
    if (const auto exact = failure.details.find("http_status"); exact != failure.details.end())
        status = static_cast<unsigned>(std::strtoul(exact->second.c_str(), nullptr, 10));
    nlohmann::ordered_json body{
        {"type", "about:blank"},
        {"title", reason_phrase(status)},
        {"status", status},
        {"detail", failure.message},
        {"code", wire::status_name(failure.code)},
        {"origin", failure.origin.empty() ? std::string(origin) : failure.origin},
    };
    if (failure.outcome_unknown) body["outcome_unknown"] = true;
    if (failure.retry_after.count() > 0) body["retry_after_ms"] = failure.retry_after.count();
    for (const auto& [key, value] : failure.details)
        if (key != "http_status") body["details"][key] = value;
    http_response response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (failure.retry_after.count() > 0)
        response.headers.emplace_back("Retry-After",
                                      std::to_string((failure.retry_after.count() + 999) / 1000));
    if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
}

http_response problem(unsigned http_status, wire::status code, std::string detail, std::string_view origin) {
    return problem(http_error(http_status, code, std::move(detail)), origin);
}

wire::error http_error(unsigned http_status, wire::status code, std::string detail) {
    auto failure = wire::make_error(code, std::move(detail));
    failure.details["http_status"] = std::to_string(http_status);
    return failure;
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool has_token(const http_headers& headers, std::string_view name, std::string_view token) {
    for (const auto& [key, value] : headers) {
        if (key != name) continue;
        const auto list = to_lower(value);
        for (std::string_view rest = list; !rest.empty();) {
            const auto comma = std::min(rest.find(','), rest.size());
            auto item = rest.substr(0, comma);
            rest.remove_prefix(std::min(comma + 1, rest.size()));
            item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
            if (item.substr(0, item.find_last_not_of(" \t") + 1) == token) return true;
        }
    }
    return false;
}

http_response json_response(std::string body, unsigned status) {
    http_response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

http_response text_response(std::string body, unsigned status) {
    http_response response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::move(body);
    return response;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    const auto encoded = urls::make_pct_string_view(text);
    if (!encoded || text.find("%00") != std::string_view::npos) return std::nullopt;
    return encoded->decode(urls::encoding_opts(plus_is_space));
}

std::string percent_encode(std::string_view text) { return urls::encode(text, urls::unreserved_chars); }

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> out;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto item = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (item.empty()) continue;
        const auto equals = std::min(item.find('='), item.size());
        auto key = percent_decode(item.substr(0, equals), true);
        auto value = percent_decode(item.substr(std::min(equals + 1, item.size())), true);
        if (!key || !value) return std::nullopt;
        out.emplace_back(std::move(*key), std::move(*value));
    }
    return out;
}

const char* reason_phrase(unsigned status) noexcept {
    switch (status) {
    case 499:
        return "Client Closed Request";
    case 507:
        return "Insufficient Storage";
    default:
        break;
    }
    return boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status)).data();
}

} // namespace stadion::net
