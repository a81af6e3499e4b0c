// One port, several protocols: looks at the first byte of a connection and puts the right session in its
// place.
#pragma once

#include "net/session/server_context.hpp"

namespace stadion::net {

enum class spoken : std::uint8_t { wire, http, tls, other };

// 0x00 the wire protocol, 0x16 a TLS record, an upper-case letter HTTP/1.1.
constexpr spoken spoken_by(unsigned char first) noexcept {
    if (first == 0x00) return spoken::wire;
    if (first == 0x16) return spoken::tls;
    if (first >= 'A' && first <= 'Z') return spoken::http;
    return spoken::other;
}

class first_byte final : public connection::protocol {
public:
    // `on_session` hears of the session that takes over, so that the server can drain it.
    first_byte(connection& link, server_context& server);

    std::size_t on_bytes(std::string_view bytes) override;
    void on_closed() override { silence_.disarm(); }

private:
    struct silence_deadline : deadline {
        connection* link;
        explicit silence_deadline(connection* of)
            : deadline([](deadline& entry) { static_cast<silence_deadline&>(entry).link->close(); }),
              link(of) {}
    };

    connection& link_;
    server_context& server_;
    silence_deadline silence_;
};

} // namespace stadion::net
