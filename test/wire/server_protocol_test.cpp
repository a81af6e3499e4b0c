// What a caller sends and what the server does with it stands in test/wire/golden/server_protocol
// (test/support/golden_scripts.hpp).
#include "wire/server_protocol.hpp"

#include "test/support/golden_scripts.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>

namespace stadion::wire {
namespace {

using namespace std::chrono_literals;
using step = server_protocol::step;
using ending = server_protocol::ending;

std::string frame_text(const frame& one) {
    const auto& header = one.header;
    const auto id = " " + std::to_string(header.id);
    const auto code = " " + std::string(status_name(static_cast<status>(header.code)));
    v1::Error failure;
    const bool has_error = failure.ParseFromArray(one.body.data(), static_cast<int>(one.body.size()));
    switch (header.kind) {
    case frame_kind::welcome: {
        v1::Welcome answer;
        answer.ParseFromArray(one.body.data(), static_cast<int>(one.body.size()));
        return "WELCOME " + answer.ShortDebugString();
    }
    case frame_kind::goaway:
        return "GOAWAY" + (header.id == id_max ? " (warning)" : id) + code + ": " + failure.message();
    case frame_kind::reply:
        return "REPLY" + id + code + (header.code != 0 && has_error ? ": " + failure.message() : "");
    case frame_kind::ping:
        return "PING";
    case frame_kind::pong:
        return "PONG" + id + " " + std::string(one.body);
    default:
        return "a frame of kind " + std::to_string(static_cast<int>(header.kind));
    }
}

// One conversation. `piece`: how many bytes arrive at a time.
class conversation {
public:
    explicit conversation(std::size_t piece) : piece_(piece), protocol_(settings_, now_) {}

    std::vector<std::string> perform(const std::string& line) {
        said_.clear();
        std::istringstream words(line);
        std::string verb;
        words >> verb;
        std::string out;
        if (verb == "after") {
            int milliseconds = 0;
            words >> milliseconds;
            pass(std::chrono::milliseconds(milliseconds));
        } else if (verb == "welcome") {
            protocol_.welcome({}, out, now_);
        } else if (verb == "open") {
            if (auto opened = protocol_.open(number(words)); !opened) said_.push_back(opened.error().message);
        } else if (verb == "answer") {
            const auto id = number(words);
            append_reply(out, id, 0, "", "");
            tell(out);
            tell(protocol_.close(id));
        } else if (verb == "end") {
            protocol_.end(status::unauthenticated, "this token is not known", out, now_);
            tell(out);
            tell(protocol_.when_ended());
        } else if (verb == "drain") {
            const auto then = protocol_.drain(out);
            tell(out);
            tell(then);
        } else {
            arrive(bytes_of(verb, words));
        }
        tell(out);
        return said_;
    }

    server_protocol& machine() { return protocol_; }

private:
    static std::uint64_t number(std::istringstream& words) {
        std::uint64_t value = 0;
        words >> value;
        return value;
    }

    static std::string bytes_of(const std::string& verb, std::istringstream& words) {
        std::string bytes;
        std::string rest;
        if (verb == "hello") {
            v1::Hello hello;
            std::uint32_t least = 1, most = 1;
            std::string nonce, token;
            words >> least >> most >> nonce >> token;
            hello.set_version_min(least);
            hello.set_version_max(most);
            if (nonce != "-") hello.set_nonce(nonce);
            if (token != "-") hello.set_token(token);
            append_frame(bytes, {frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
        } else if (verb == "request") {
            const auto id = number(words);
            const auto budget = number(words);
            append_frame(bytes, {frame_kind::request, 0, 0x0203, id, static_cast<std::uint32_t>(budget)},
                         "body");
        } else if (verb == "cancel") {
            append_frame(bytes, {frame_kind::cancel, 0, 0, number(words), 0}, "");
        } else if (verb == "ping") {
            append_frame(bytes, {frame_kind::ping, 0, 0, number(words), 0}, "echo");
        } else if (verb == "pong") {
            append_frame(bytes, {frame_kind::pong, 0, 0, 0, 0}, "");
        } else if (verb == "kind") {
            append_frame(bytes, {static_cast<frame_kind>(number(words)), 0, 0, 0, 0}, "");
        } else if (verb == "length") {
            const auto length = number(words);
            for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(length >> shift & 0xff);
            bytes += std::string(16, '\x03');
        } else {
            ADD_FAILURE() << "unknown line in a script: " << verb;
        }
        return bytes;
    }

    void arrive(const std::string& bytes) {
        last_read_ = now_;
        for (std::size_t at = 0; at < bytes.size() && !protocol_.is_ending(); at += piece_) {
            unread_ += bytes.substr(at, piece_);
            std::string_view view = unread_;
            std::string out;
            server_protocol::incoming what;
            for (auto next = step::nothing;
                 next != step::incomplete && next != step::ended && !view.empty();) {
                next = protocol_.receive(view, what, out, now_);
                tell(out);
                tell(next, what);
            }
            unread_ = protocol_.is_ending() ? "" : std::string(view);
        }
    }

    void pass(std::chrono::milliseconds time) {
        const auto until = now_ + time;
        while (protocol_.deadline() <= until && !closed_) {
            now_ = protocol_.deadline();
            std::string out;
            const auto then = protocol_.on_deadline(now_, last_read_, out);
            tell(out);
            tell(then);
        }
        now_ = until;
    }

    void tell(std::string& out) {
        std::string_view bytes = out;
        frame one;
        while (!bytes.empty()) {
            const auto decoded = decode(bytes, one);
            if (decoded.status != decode_status::complete) return ADD_FAILURE() << "sent what is no frame";
            said_.push_back("-> " + frame_text(one));
            bytes.remove_prefix(decoded.size);
        }
        out.clear();
    }
    void tell(ending then) {
        if (then == ending::close) said_.push_back("close"), closed_ = true;
        if (then == ending::close_when_sent) said_.push_back("close when sent"), closed_ = true;
    }
    void tell(step next, const server_protocol::incoming& what) {
        const auto id = std::to_string(what.frame.header.id);
        if (next == step::greet) said_.push_back("greet " + what.hello->token());
        if (next == step::take_token) said_.push_back("take token " + what.hello->token());
        if (next == step::run) said_.push_back("run " + id + " " + std::string(what.frame.body));
        if (next == step::refuse) said_.push_back("refuse " + id + ": " + what.refusal->message);
        if (next == step::cancel) said_.push_back("cancel " + id);
        if (next == step::ended) said_.push_back("ended"), tell(protocol_.when_ended());
    }

    const std::size_t piece_;
    const server_protocol_settings settings_ = [] {
        server_protocol_settings small;
        small.in_flight_max = 2;
        return small;
    }();
    server_protocol::clock::time_point now_{1h};
    server_protocol::clock::time_point last_read_ = now_;
    server_protocol protocol_;
    std::string unread_;
    std::vector<std::string> said_;
    bool closed_ = false;
};

TEST(server_protocol, does_as_the_scripts_say_however_the_bytes_are_cut) {
    test::expect_scripts(STADION_SOURCE_DIR "/test/wire/golden/server_protocol", {1 << 20, 1, 7},
                         [](std::size_t piece) {
                             return [one = std::make_shared<conversation>(piece)](const std::string& line) {
                                 return one->perform(line);
                             };
                         });
}

TEST(server_protocol, a_long_silence_ends_a_conversation_that_has_not_begun) {
    conversation one(1 << 20);
    EXPECT_EQ(one.perform("after 4999"), std::vector<std::string>{});
    EXPECT_EQ(one.perform("after 1").size(), 2u);
    EXPECT_TRUE(one.machine().is_ending());
}

TEST(server_protocol, a_caller_that_takes_small_frames_gets_none_larger_and_errors_always_fit) {
    const server_protocol_settings settings;
    for (const auto& [asked, got] : {std::pair<std::uint32_t, std::size_t>{100, frame_size_min_for_callers},
                                     {100'000, 100'000},
                                     {0xffffffff, frame_size_max},
                                     {0, frame_size_max}}) {
        server_protocol protocol(settings, {});
        v1::Hello hello;
        hello.set_version_min(1);
        hello.set_version_max(1);
        hello.set_max_frame(asked);
        std::string bytes, out;
        append_frame(bytes, {frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
        std::string_view view = bytes;
        server_protocol::incoming what;
        ASSERT_EQ(protocol.receive(view, what, out, {}), step::greet);
        EXPECT_EQ(protocol.payload_max() + frame_header_size, got);
    }
}

} // namespace
} // namespace stadion::wire
