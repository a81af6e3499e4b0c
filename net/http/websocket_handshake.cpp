#include "net/http/websocket_handshake.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace stadion::net {
namespace {

// 16 bytes in base64.
bool is_key(std::string_view text) {
    const auto digits = text.substr(0, std::min<std::size_t>(text.size(), 22));
    return text.size() == 24 && text.ends_with("==") && std::all_of(digits.begin(), digits.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/';
           });
}

std::string accept_for(std::string_view key) {
    const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<unsigned char, 32> encoded{};
    const auto size = ::EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
    return {encoded.begin(), encoded.begin() + size};
}

wire::error malformed(std::string why) {
    return wire::make_error(wire::status::invalid_argument, std::move(why));
}

} // namespace

bool is_upgrade(const http_request& request) {
    return has_token(request.headers, "connection", "upgrade") && !request.header("upgrade").empty();
}

wire::result<http_headers> accept_websocket(const http_request& request) {
    const auto needed = [](const char* why) {
        return http_error(426, wire::status::failed_precondition, why);
    };
    if (request.method != http_method::get || !is_upgrade(request) ||
        !has_token(request.headers, "upgrade", "websocket"))
        return needed("this path speaks WebSocket: upgrade");
    if (request.header("sec-websocket-version") != "13") return needed("the version of WebSocket here is 13");
    const auto length = request.header("content-length");
    if (!request.body.empty() || !request.header("transfer-encoding").empty() ||
        (!length.empty() && length != "0"))
        return malformed("an upgrade has no body");
    const auto key = request.header("sec-websocket-key");
    if (!is_key(key)) return malformed("Sec-WebSocket-Key is not 16 bytes in base64");
    return http_headers{
        {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", accept_for(key)}};
}

http_response refuse_websocket(const wire::error& failure, std::string_view origin) {
    auto response = problem(failure, origin);
    if (response.status != 426) return response;
    response.headers.emplace_back("Upgrade", "websocket");
    response.headers.emplace_back("Connection", "Upgrade");
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
    return response;
}

} // namespace stadion::net
