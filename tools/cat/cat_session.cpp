#include "tools/cat/cat_session.hpp"

#include "tools/cat/frame_text.hpp"
#include "wire/error_message.hpp"
#include "wire/number.hpp"
#include "wire/position.hpp"
#include "wire/proto/introspection.pb.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>

namespace stadion::tools {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::uint16_t describe_method_number = 0x0001;
constexpr int connect_within_ms = 5'000;
constexpr std::chrono::milliseconds raw_answer_within{300};
constexpr std::size_t greeting_bytes_shown = 64;
constexpr std::uint32_t stream_budget_ms = 0xffffffff; // a stream lasts until somebody ends it

const std::vector<std::string> directives{"\\help", "\\list", "\\describe", "\\hex",    "\\time",
                                          "\\raw",  "\\key",  "\\seen",     "\\budget", "\\quit"};

wire::error to_error(wire::status code, std::string_view body) {
    v1::Error message;
    message.ParseFromArray(body.data(), static_cast<int>(body.size()));
    return wire::to_error(code, message);
}

double microseconds(clock::duration length) {
    return std::chrono::duration<double, std::micro>(length).count();
}

} // namespace

cat_session::cat_session(const cat_options& wanted, console& terminal)
    : wanted_(wanted), console_(terminal) {}

wire::result<void> cat_session::open() {
    auto connected = cat_connection::connect(wanted_.address, connect_within_ms);
    if (!connected) return connected.error();
    broken_.reset();
    greeted_ = false;
    current_method_ = nullptr;
    catalog_.reset();
    connection_ = std::move(*connected);
    connection_->on_bytes = [this](auto which, std::string_view bytes) { show(which, bytes); };
    console_.watch(connection_->descriptor(), [this] {
        auto received = connection_->receive([this](const wire::frame& frame) { on_frame(frame); });
        if (received) return;
        if (!broken_) broken_ = received.error();
        console_.forget(connection_->descriptor());
    });

    v1::Hello hello;
    hello.set_version_min(wire::version_supported);
    hello.set_version_max(wire::version_supported);
    hello.set_role("client");
    hello.set_software("stadion cat");
    hello.set_node("cat");
    hello.set_token(wanted_.token);
    if (auto sent = connection_->send_frame({wire::frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
        !sent)
        return sent;
    if (auto asked = exchange(describe_method_number, {}); !asked) return asked;
    return learn();
}

wire::result<void> cat_session::learn() {
    google::protobuf::FileDescriptorSet files;
    if (answer_->code != wire::status::ok) {
        console_.complain("the server does not describe its methods (" +
                          to_text(to_error(answer_->code, answer_->body)) + "); using those built in");
        files = wire::describe_methods();
    } else if (!files.ParseFromString(answer_->body)) {
        return wire::make_error(wire::status::internal, "the server's description of its methods is broken");
    }
    auto learnt = method_catalog::from(files);
    if (!learnt) return learnt.error();
    catalog_ = std::move(*learnt);
    return {};
}

bool cat_session::refuse(const wire::error& failure) {
    console_.complain(to_text(failure));
    return false;
}

bool cat_session::run(std::string_view text) {
    const auto line = parse_cat_line(text);
    if (!line) return refuse(line.error());
    if (const auto* call = std::get_if<cat_call>(&*line)) return run_call(*call);
    if (const auto* directive = std::get_if<cat_directive>(&*line)) return run_directive(*directive);
    return true;
}

// A name that several services have means the one this server offers: those it does not offer answer
// UNIMPLEMENTED without having run anything.
bool cat_session::run_call(const cat_call& call) {
    if (broken_) {
        console_.complain("connecting to " + wanted_.address + " again");
        if (auto opened = open(); !opened) return refuse(opened.error());
    }
    const auto candidates = catalog_->methods().find_by_text(call.method);
    if (candidates.empty())
        return refuse(wire::make_error(wire::status::unimplemented,
                                       "no such method: " + call.method + "; \\list shows all"));
    for (const auto* method : candidates) {
        const auto body = catalog_->encode_request(*method, call.json);
        if (!body) return refuse(body.error());
        const auto answer = ask(*method, *body);
        if (!answer) return refuse(answer.error());
        if (answer->code == wire::status::unimplemented && method != candidates.back()) continue;
        if (wanted_.time) {
            char text[96];
            std::snprintf(text, sizeof text, "round trip %.0f µs, in the server %u µs",
                          microseconds(answer->round_trip), answer->server_us);
            console_.complain(text);
        }
        if (answer->code != wire::status::ok) return refuse(to_error(answer->code, answer->body));
        if (method->streaming) return true;
        const auto json = catalog_->decode_response(*method, answer->body);
        if (!json) return refuse(json.error());
        console_.print(*json);
        return true;
    }
    return false;
}

wire::result<cat_session::reply> cat_session::ask(const wire::method& method, std::string_view body) {
    current_method_ = &method;
    const auto start = clock::now();
    if (auto asked = exchange(method.number, body); !asked) return asked.error();
    answer_->round_trip = clock::now() - start;
    return std::move(*answer_);
}

// Sends one request and waits for its reply; Ctrl-C cancels it, and the reply to that is waited for as well.
wire::result<void> cat_session::exchange(std::uint16_t method, std::string_view body) {
    if (broken_) return *broken_;
    current_ = next_id_++;
    answer_.reset();
    const bool streams = current_method_ != nullptr && current_method_->streaming;
    const auto budget = streams ? stream_budget_ms : static_cast<std::uint32_t>(wanted_.budget_ms);
    const bool with_metadata = metadata_.ByteSizeLong() != 0;
    const auto sent = connection_->send_frame({wire::frame_kind::request, 0, method, current_, budget}, body,
                                              with_metadata ? &metadata_ : nullptr);
    if (!sent) return sent;
    metadata_.clear_idempotency_key(); // a key is for one request
    const auto ended = [this] { return answer_ || broken_; };
    if (!console_.wait_until(ended)) {
        if (auto told = connection_->send_frame({wire::frame_kind::cancel, 0, 0, current_, 0}, {}); !told)
            return told;
        if (!console_.wait_until(ended))
            return wire::make_error(wire::status::cancelled, "interrupted twice; no answer yet");
        if (streams && answer_) answer_->code = wire::status::ok; // that is how a stream is ended
    }
    if (!answer_) return *broken_;
    return {};
}

void cat_session::on_frame(const wire::frame& frame) {
    switch (frame.header.kind) {
    case wire::frame_kind::welcome:
        greeted_ = true;
        break;
    case wire::frame_kind::reply:
        if (frame.header.id == current_)
            answer_ = reply{static_cast<wire::status>(frame.header.code),
                            std::string(frame.body),
                            frame.header.budget,
                            {}};
        break;
    case wire::frame_kind::event:
        on_event(frame);
        break;
    case wire::frame_kind::ping: {
        const auto sent =
            connection_->send_frame({wire::frame_kind::pong, 0, 0, frame.header.id, 0}, frame.body);
        if (!sent && !broken_) broken_ = sent.error();
        break;
    }
    case wire::frame_kind::goaway: {
        const auto failure = to_error(static_cast<wire::status>(frame.header.code), frame.body);
        console_.complain("GOAWAY " + to_text(failure));
        if (frame.header.id < current_ && !broken_) broken_ = failure;
        break;
    }
    default:
        break;
    }
}

void cat_session::on_event(const wire::frame& frame) {
    if (frame.header.id != current_ || current_method_ == nullptr) return;
    const auto json = catalog_->decode_response(*current_method_, frame.body);
    json ? console_.print(*json) : console_.complain(to_text(json.error()));
}

void cat_session::show(cat_connection::direction which, std::string_view bytes) {
    if (!wanted_.hex) return;
    // The server's description of itself is long and nobody asked for its bytes.
    const bool all = catalog_ != nullptr || !greeted_;
    auto text = hex_dump(bytes, all ? bytes.size() : greeting_bytes_shown);
    text.pop_back();
    wire::frame frame;
    const bool whole = wire::decode(bytes, frame, bytes.size()).status == wire::decode_status::complete;
    const auto& names = catalog_ ? catalog_->methods() : wire::methods();
    console_.complain(std::string(which == cat_connection::direction::sent ? "→ " : "← ") +
                      (whole ? describe(frame.header, names) : std::to_string(bytes.size()) + " bytes") +
                      "\n" + text);
}

bool cat_session::run_directive(const cat_directive& directive) {
    const auto& [name, argument] = directive;
    if (name == "help") return help(), true;
    if (name == "list") return list(), true;
    if (name == "quit") return ended_ = true;
    if (name == "hex") return set(wanted_.hex, directive);
    if (name == "time") return set(wanted_.time, directive);
    if (name == "key") return metadata_.set_idempotency_key(argument), true;
    if (name == "seen" || name == "budget") return set_number(directive);
    if (name == "describe") {
        const auto text = catalog_->describe(argument);
        if (!text) return refuse(text.error());
        console_.print(std::string_view(*text).substr(0, text->find_last_not_of('\n') + 1));
        return true;
    }
    if (name == "raw") {
        const auto bytes = parse_hex(argument);
        if (!bytes || bytes->empty())
            return refuse(
                wire::make_error(wire::status::invalid_argument, "\\raw wants bytes: \\raw 00 00 00 10 …"));
        return send_raw(*bytes);
    }
    return refuse(
        wire::make_error(wire::status::invalid_argument, "no such directive: \\" + name + "; try \\help"));
}

// What comes back is the reason to send it, so it is shown in any case.
bool cat_session::send_raw(std::string_view bytes) {
    const bool was_shown = std::exchange(wanted_.hex, true);
    const auto sent = connection_->send(bytes);
    if (sent) console_.wait_until([this] { return broken_.has_value(); }, raw_answer_within);
    wanted_.hex = was_shown;
    if (!sent) return refuse(sent.error());
    return broken_ ? refuse(*broken_) : true;
}

bool cat_session::set(bool& option, const cat_directive& directive) {
    if (directive.argument == "on" || directive.argument == "off")
        return option = directive.argument == "on", true;
    if (directive.argument.empty()) {
        option = !option;
        console_.complain(directive.name + (option ? " on" : " off"));
        return true;
    }
    return refuse(wire::make_error(wire::status::invalid_argument, "\\" + directive.name + " is on or off"));
}

bool cat_session::set_seen(const std::string& text) {
    const auto seen = wire::parse_position(text);
    if (!seen)
        return refuse(
            wire::make_error(wire::status::invalid_argument, "\\seen wants a sequence or board-sequence"));
    metadata_.set_seen_sequence(seen->sequence);
    metadata_.set_seen_board(seen->board);
    return true;
}

bool cat_session::set_number(const cat_directive& directive) {
    const auto& text = directive.argument;
    if (directive.name == "seen") return set_seen(text);
    const auto value = wire::parse_number<std::int32_t>(text).value_or(0);
    if (value < 1)
        return refuse(
            wire::make_error(wire::status::invalid_argument, "\\" + directive.name + " wants a number"));
    wanted_.budget_ms = value;
    return true;
}

void cat_session::help() {
    console_.print("Service.Method {json}   calls it; just Method where one service of this server has it\n"
                   "\\list                   the methods this server knows of\n"
                   "\\describe NAME          a method, a service or a message\n"
                   "\\hex on|off             the bytes of every frame\n"
                   "\\time on|off            how long the round trip took, and how long of it the server\n"
                   "\\key KEY                the idempotency key of the next request\n"
                   "\\seen N                 answers must be at least as new as sequence N\n"
                   "\\budget MS              how long to wait for an answer\n"
                   "\\raw 00 00 …            sends these bytes as they are and shows what comes back\n"
                   "\\quit                   ends; Ctrl-C ends a stream");
}

void cat_session::list() {
    for (const auto& method : catalog_->methods().all()) {
        char number[8];
        std::snprintf(number, sizeof number, "0x%04x", method.number);
        console_.print(
            std::string(number) + "  " + method.full_name() + "  " + method.descriptor->input_type()->name() +
            (method.streaming ? " → stream of " : " → ") + method.descriptor->output_type()->name());
    }
}

std::vector<std::string> cat_session::complete(std::string_view before, std::string_view word) const {
    std::vector<std::string> found;
    const auto add = [&](const std::string& name) {
        if (name.starts_with(word)) found.push_back(name);
    };
    const bool first_word = before.find_first_not_of(" \t") == std::string_view::npos;
    if (!first_word && before.find("\\describe") == std::string_view::npos) return found;
    if (first_word && word.starts_with('\\'))
        for (const auto& name : directives) add(name);
    if (catalog_)
        for (const auto& method : catalog_->methods().all()) {
            add(method.full_name());
            if (!word.empty()) add(method.name);
        }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

} // namespace stadion::tools
