// What a server sends and what it means to a caller stands in test/wire/golden/client_protocol
// (test/support/golden_scripts.hpp).
#include "wire/client_protocol.hpp"

#include "test/support/golden_scripts.hpp"

#include <memory>

namespace stadion::wire {
namespace {

using namespace std::chrono_literals;
using step = client_protocol::step;

std::string frame_text(const frame& one) {
    const auto id = " " + std::to_string(one.header.id);
    if (one.header.kind == frame_kind::hello) {
        v1::Hello hello;
        hello.ParseFromArray(one.body.data(), static_cast<int>(one.body.size()));
        return "HELLO " + hello.ShortDebugString();
    }
    if (one.header.kind == frame_kind::request)
        return "REQUEST" + id + " of " + std::to_string(one.header.code) + " within " +
               std::to_string(one.header.budget) + " ms: " + std::string(one.metadata) + "|" +
               std::string(one.body);
    if (one.header.kind == frame_kind::cancel) return "CANCEL" + id;
    if (one.header.kind == frame_kind::pong) return "PONG" + id + " " + std::string(one.body);
    return one.header.kind == frame_kind::ping ? "PING" : "a frame of another kind";
}

// One connection. `piece`: how many bytes arrive at a time.
class conversation {
public:
    explicit conversation(std::size_t piece) : piece_(piece) {}

    std::vector<std::string> perform(const std::string& line) {
        came_.clear();
        std::istringstream words(line);
        std::string verb;
        words >> verb;
        std::string out;
        if (verb == "begin") {
            protocol_.begin({}, out, now_);
        } else if (verb == "challenge") {
            protocol_.begin({"0123456789abcdef", "the proof"}, out, now_);
        } else if (verb == "after") {
            int milliseconds = 0;
            words >> milliseconds;
            pass(std::chrono::milliseconds(milliseconds));
        } else if (verb == "request") {
            std::size_t size = 0;
            words >> size;
            const std::string body(size, 'b');
            if (auto checked = protocol_.check_request("", body, "it"); !checked)
                came_.push_back(checked.error().message);
            else
                protocol_.request(7, 0x0203, "", size > 10 ? "much" : body, 0ms, out);
        } else if (verb == "cancel") {
            protocol_.cancel(7, out);
        } else {
            arrive(bytes_of(verb, words));
        }
        sent(out);
        return came_;
    }

private:
    static std::string bytes_of(const std::string& verb, std::istringstream& words) {
        std::string bytes, text;
        std::uint64_t id = 0;
        if (verb == "WELCOME") {
            v1::Welcome answer;
            std::uint32_t frame_max = 0;
            words >> frame_max >> text;
            answer.set_node("frontend-1");
            answer.set_max_frame(frame_max);
            answer.set_proof(text == "proof" ? "the proof" : text);
            append_frame(bytes, {frame_kind::welcome, 0, 0, 0, 0}, answer.SerializeAsString());
            return bytes;
        }
        words >> id >> text;
        v1::Error failure;
        failure.set_message(text);
        if (verb == "REPLY")
            append_frame(bytes, {frame_kind::reply, 0, 0, id, 85}, text);
        else if (verb == "ERROR")
            append_frame(bytes, {frame_kind::reply, 0, 5, id, 85}, failure.SerializeAsString());
        else if (verb == "EVENT")
            append_frame(bytes, {frame_kind::event, 0, 0, id, 0}, text);
        else if (verb == "GOAWAY")
            append_frame(bytes, {frame_kind::goaway, 0, 14, id == 0 ? id_max : id, 0},
                         failure.SerializeAsString());
        else if (verb == "PING")
            append_frame(bytes, {frame_kind::ping, 0, 0, id, 0}, text);
        else if (verb == "PONG")
            append_frame(bytes, {frame_kind::pong, 0, 0, id, 0}, text);
        else if (verb == "KIND")
            append_frame(bytes, {static_cast<frame_kind>(id), 0, 0, 0, 0}, text);
        else
            ADD_FAILURE() << "unknown line in a script: " << verb;
        return bytes;
    }

    void arrive(const std::string& bytes) {
        last_read_ = now_;
        for (std::size_t at = 0; at < bytes.size() && !broken_; at += piece_) {
            unread_ += bytes.substr(at, piece_);
            std::string_view view = unread_;
            frame one;
            std::string out;
            for (auto next = step::nothing; next != step::incomplete && !view.empty() && !broken_;) {
                next = protocol_.receive(view, one, out, now_);
                sent(out);
                means(next, one);
            }
            unread_ = view;
        }
    }

    void means(step next, const frame& one) {
        const auto id = std::to_string(one.header.id);
        if (next == step::ready) came_.push_back("ready, it is " + protocol_.welcome().node());
        if (next == step::reply && one.header.code == 0)
            came_.push_back("reply " + id + " " + std::string(one.body));
        if (next == step::reply && one.header.code != 0) {
            const auto failure = protocol_.error_of(one, static_cast<status>(one.header.code));
            came_.push_back("error " + id + " " + std::string(status_name(failure.code)) + " of " +
                            failure.origin + ": " + failure.message);
        }
        if (next == step::event) came_.push_back("event " + id + " " + std::string(one.body));
        if (next == step::leaving) came_.push_back("leaving, ran up to " + id + ": " + protocol_.why());
        if (next == step::broken) came_.push_back("broken: " + protocol_.why()), broken_ = true;
    }

    void pass(std::chrono::milliseconds time) {
        const auto until = now_ + time;
        while (protocol_.deadline() <= until && !broken_) {
            now_ = protocol_.deadline();
            std::string out;
            broken_ = protocol_.on_deadline(now_, last_read_, out);
            sent(out);
            if (broken_) came_.push_back("close: " + protocol_.why());
        }
        now_ = until;
    }

    void sent(std::string& out) {
        std::string_view bytes = out;
        frame one;
        while (!bytes.empty()) {
            const auto decoded = decode(bytes, one);
            if (decoded.status != decode_status::complete) return ADD_FAILURE() << "sent what is no frame";
            came_.push_back("-> " + frame_text(one));
            bytes.remove_prefix(decoded.size);
        }
        out.clear();
    }

    const std::size_t piece_;
    const client_protocol_settings settings_ = [] {
        client_protocol_settings own;
        own.node = "obelix";
        own.token = "secret";
        return own;
    }();
    client_protocol::clock::time_point now_{1h};
    client_protocol::clock::time_point last_read_ = now_;
    client_protocol protocol_{settings_};
    std::string unread_;
    std::vector<std::string> came_;
    bool broken_ = false;
};

TEST(client_protocol, does_as_the_scripts_say_however_the_bytes_are_cut) {
    test::expect_scripts(STADION_SOURCE_DIR "/test/wire/golden/client_protocol", {1 << 20, 1, 7},
                         [](std::size_t piece) {
                             return [one = std::make_shared<conversation>(piece)](const std::string& line) {
                                 return one->perform(line);
                             };
                         });
}

} // namespace
} // namespace stadion::wire
