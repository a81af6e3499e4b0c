#include "net/session/first_byte.hpp"

#include "net/session/http_session.hpp"
#include "net/session/wire_session.hpp"

namespace stadion::net {

first_byte::first_byte(connection& link, server_context& server)
    : link_(link), server_(server), silence_(link) {
    link_.home().arm(silence_, server_.limits.hello_within);
}

std::size_t first_byte::on_bytes(std::string_view bytes) {
    if (bytes.empty()) return 0;
    silence_.disarm();
    switch (protocol_of(static_cast<unsigned char>(bytes.front()))) {
    case protocol_kind::wire:
        link_.replace_protocol(std::make_unique<wire_session>(link_, server_));
        return 0;
    case protocol_kind::http:
        link_.replace_protocol(std::make_unique<http_session>(link_, server_));
        return 0;
    case protocol_kind::tls:
        link_.output() += "stadion: TLS is not configured here; speak plainly or see --tls-cert\r\n";
        break;
    case protocol_kind::other:
        link_.output() += "stadion: this port speaks the stadion wire protocol and HTTP/1.1\r\n";
        break;
    }
    link_.close_when_sent();
    return bytes.size();
}

} // namespace stadion::net
