// The first protocol of every accepted connection: one port serves several protocols, and the first byte that
// the client sends decides which session replaces this object.
//
// Threading: the connection's worker. Bound: a connection that sends nothing within `limits.hello_within` is
// closed.
#pragma once

#include "net/session/server_context.hpp"

namespace stadion::net {

enum class protocol_kind : std::uint8_t { wire, http, tls, other };

// 0x00 begins the wire protocol, 0x16 a TLS record, an upper-case letter HTTP/1.1.
constexpr protocol_kind protocol_of(unsigned char first) noexcept {
    if (first == 0x00) return protocol_kind::wire;
    if (first == 0x16) return protocol_kind::tls;
    if (first >= 'A' && first <= 'Z') return protocol_kind::http;
    return protocol_kind::other;
}

class first_byte final : public connection::protocol {
public:
    first_byte(connection& link, server_context& server);

    std::size_t on_bytes(std::string_view bytes) override;
    void on_closed() override { silence_.disarm(); }

private:
    connection& link_;
    server_context& server_;
    member_deadline<connection, &connection::close> silence_;
};

} // namespace stadion::net
