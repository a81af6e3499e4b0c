// `stadion cat --listen PORT`: the other side of the debug client. Accepts one connection after the other,
// answers WELCOME, and shows what the client sends; requests are answered UNIMPLEMENTED, so that nobody waits
// in vain.
#include "tools/cat/cat.hpp"
#include "tools/cat/cat_connection.hpp"
#include "tools/cat/frame_text.hpp"
#include "tools/cat/method_catalog.hpp"
#include "tools/command/console.hpp"

#include <google/protobuf/descriptor.pb.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <optional>

namespace stadion::tools {
namespace {

// The socket and the port it has got; -1 and the reason otherwise.
wire::result<std::pair<int, int>> listen_on_loopback(int port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(descriptor, plain, size) != 0 || ::listen(descriptor, 16) != 0 ||
        ::getsockname(descriptor, plain, &size) != 0) {
        const int failure = errno;
        ::close(descriptor);
        return wire::make_error(wire::status::unavailable, "cannot listen on port " + std::to_string(port) +
                                                               ": " + std::strerror(failure));
    }
    return std::pair{descriptor, static_cast<int>(ntohs(address.sin_port))};
}

// One client's connection.
class guest {
public:
    guest(int descriptor, const cat_options& wanted, console& terminal, const method_catalog& catalog)
        : connection_(descriptor), wanted_(wanted), console_(terminal), catalog_(catalog) {
        connection_.on_bytes = [this](auto which, std::string_view bytes) { on_bytes(which, bytes); };
    }

    // False when it has gone.
    bool serve() {
        const auto received = connection_.receive([this](const wire::frame& frame) { on_frame(frame); });
        if (received) return true;
        if (received.error().code != wire::status::unavailable) {
            v1::Error error;
            error.set_message(received.error().message);
            answer({wire::frame_kind::goaway, 0, static_cast<std::uint16_t>(wire::status::invalid_argument),
                    0, 0},
                   error);
        }
        console_.print(received.error().message);
        return false;
    }

private:
    void on_bytes(cat_connection::direction which, std::string_view bytes) {
        if (!wanted_.hex) return;
        auto text = hex_dump(bytes);
        text.pop_back();
        console_.print((which == cat_connection::direction::sent ? "→\n" : "←\n") + text);
    }

    void on_frame(const wire::frame& frame) {
        console_.print("← " + describe(frame.header, catalog_.methods()) + body_text(frame));
        switch (frame.header.kind) {
        case wire::frame_kind::hello: {
            v1::Welcome welcome;
            welcome.set_version(wire::version_supported);
            welcome.set_software("stadion cat");
            welcome.set_node("cat");
            welcome.set_max_frame(wire::frame_size_max_default);
            welcome.set_max_in_flight(1);
            return answer({wire::frame_kind::welcome, 0, 0, 0, 0}, welcome);
        }
        case wire::frame_kind::request: {
            v1::Error error;
            error.set_message("stadion cat --listen answers nothing; it shows what is sent");
            error.set_origin("cat");
            return answer({wire::frame_kind::reply, 0,
                           static_cast<std::uint16_t>(wire::status::unimplemented), frame.header.id, 0},
                          error);
        }
        case wire::frame_kind::ping: {
            const auto sent =
                connection_.send_frame({wire::frame_kind::pong, 0, 0, frame.header.id, 0}, frame.body);
            if (!sent) console_.complain(sent.error().message);
            return;
        }
        default:
            return;
        }
    }

    std::string body_text(const wire::frame& frame) const {
        std::string text;
        v1::Metadata metadata;
        if (!frame.metadata.empty() &&
            metadata.ParseFromArray(frame.metadata.data(), static_cast<int>(frame.metadata.size())))
            text += " [" + metadata.ShortDebugString() + "]";
        v1::Hello hello;
        if (frame.header.kind == wire::frame_kind::hello &&
            hello.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
            if (!hello.token().empty()) hello.set_token("…");
            return text + " " + hello.ShortDebugString();
        }
        if (frame.header.kind == wire::frame_kind::request)
            if (const auto* method = catalog_.methods().find(frame.header.code))
                if (const auto json = catalog_.decode_request(*method, frame.body)) return text + " " + *json;
        if (!frame.body.empty()) text += " " + std::to_string(frame.body.size()) + " bytes";
        return text;
    }

    void answer(const wire::frame_header& header, const google::protobuf::MessageLite& body) {
        const auto sent = connection_.send_frame(header, body.SerializeAsString());
        if (!sent) console_.complain(sent.error().message);
    }

    cat_connection connection_;
    const cat_options& wanted_;
    console& console_;
    const method_catalog& catalog_;
};

} // namespace

int run_cat_listening(const cat_options& wanted) {
    console terminal({});
    auto listening = listen_on_loopback(wanted.listen_port);
    if (!listening) {
        terminal.complain(listening.error().message);
        return 1;
    }
    const auto [acceptor, port] = *listening;
    terminal.print("listening on 127.0.0.1:" + std::to_string(port));
    const auto catalog = method_catalog::from(wire::describe_methods());
    if (!catalog) {
        terminal.complain(catalog.error().message);
        return 1;
    }
    std::map<int, std::unique_ptr<guest>> guests;
    terminal.watch(acceptor, [&, acceptor = acceptor] {
        const int descriptor = ::accept4(acceptor, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor < 0) return;
        terminal.print("a client has connected");
        guests[descriptor] = std::make_unique<guest>(descriptor, wanted, terminal, **catalog);
        terminal.watch(descriptor, [&, descriptor] {
            if (guests[descriptor]->serve()) return;
            terminal.forget(descriptor);
            guests.erase(descriptor);
        });
    });
    terminal.wait_until([] { return false; });
    ::close(acceptor);
    return 0;
}

} // namespace stadion::tools
