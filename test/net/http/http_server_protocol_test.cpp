// What a client sends and what comes of it stands in test/net/golden/http_server_protocol
// (test/support/golden_scripts.hpp). Lines end with \r\n where the script has a `\`.
#include "net/http/http_server_protocol.hpp"

#include "test/support/golden_scripts.hpp"

#include <memory>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;
using step = http_server_protocol::step;
using timeout = http_server_protocol::timeout;

// `\` is a line's end.
std::string bytes_of(std::string_view text) {
    std::string bytes;
    for (const char c : text) {
        if (c == '\\')
            bytes += "\r\n";
        else
            bytes += c;
    }
    return bytes;
}

std::string text_of(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        if (c == '\r') continue;
        text += c == '\n' ? '\\' : c;
    }
    return text;
}

// One connection. `piece`: how many bytes arrive at a time.
class conversation {
public:
    explicit conversation(std::size_t piece) : piece_(piece) {}

    std::vector<std::string> perform(const std::string& line) {
        came_.clear();
        const auto verb = line.substr(0, line.find(' '));
        const auto rest = line.size() > verb.size() ? line.substr(verb.size() + 1) : "";
        std::string out;
        if (verb == "send") {
            arrive(bytes_of(rest));
        } else if (verb == "answer") {
            protocol_.answer(text_response(rest), "now", out);
            has_request_ = false;
            sent(out);
            if (!protocol_.keeps_alive()) came_.push_back("close when sent"), closed_ = true;
            arrive({});
        } else if (verb == "stream") {
            protocol_.begin_stream("text/plain", "now", out);
            protocol_.append_piece(rest, out);
            protocol_.append_piece("", out);
            protocol_.end_stream(out);
            sent(out);
        } else if (verb == "switch") {
            http_server_protocol::append_switch({{"Upgrade", rest}}, out);
            sent(out);
        } else if (verb == "allow") {
            protocol_.set_cross_origin(rest);
        } else if (verb == "after") {
            now_ += std::chrono::seconds(std::stoi(rest));
            const auto due = has_request_ ? timeout::none : protocol_.check(now_, last_read_);
            if (due == timeout::close) came_.push_back("close");
            if (due == timeout::refused) came_.push_back("refused: " + protocol_.refusal().message);
        } else {
            ADD_FAILURE() << "unknown line in a script: " << line;
        }
        return came_;
    }

private:
    void arrive(const std::string& bytes) {
        std::size_t at = 0;
        do {
            const auto part = bytes.substr(at, piece_);
            if (!part.empty()) last_read_ = now_;
            unread_ += part;
            at += part.size();
            take();
        } while (at < bytes.size());
    }

    void take() {
        std::string_view view = unread_;
        std::string out;
        while (!view.empty() && !has_request_ && !closed_) {
            const auto next = protocol_.receive(view, out);
            sent(out);
            if (next == step::refused) {
                came_.push_back("refused: " + protocol_.refusal().message);
                closed_ = true;
            }
            if (next != step::request) break;
            const auto request = protocol_.take_request();
            came_.push_back("request " + std::string(http_method_name(request.method)) + " " +
                            request.target + " [" + request.body + "]");
            has_request_ = true;
        }
        protocol_.wait_for_rest(!has_request_ && (protocol_.is_in_request() || !view.empty()), last_read_);
        unread_ = view;
    }

    void sent(std::string& out) {
        if (!out.empty()) came_.push_back("-> " + text_of(out));
        out.clear();
    }

    const std::size_t piece_;
    http_server_protocol protocol_{http_server_limits{64, 75s, 60s}};
    http_server_protocol::clock::time_point now_{1h};
    http_server_protocol::clock::time_point last_read_ = now_;
    std::string unread_;
    std::vector<std::string> came_;
    bool has_request_ = false;
    bool closed_ = false;
};

TEST(http_server_protocol, does_as_the_scripts_say_however_the_bytes_are_cut) {
    test::expect_scripts(STADION_SOURCE_DIR "/test/net/golden/http_server_protocol", {1 << 20, 1, 7},
                         [](std::size_t piece) {
                             return [one = std::make_shared<conversation>(piece)](const std::string& line) {
                                 return one->perform(line);
                             };
                         });
}

} // namespace
} // namespace stadion::net
