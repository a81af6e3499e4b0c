#include "net/board/websocket_stream.hpp"

#include "net/board/board_lists.hpp"
#include "net/board/board_streams.hpp"
#include "net/board/start_message.hpp"
#include "net/board/topic_limits.hpp"
#include "net/http/websocket_frames.hpp"
#include "net/http/websocket_handshake.hpp"
#include "wire/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t message_bytes_max = 64 * 1024;
constexpr auto ping_after = 15s;
constexpr auto gone_after = 45s;

// The subscription that the client asks for, or why the message is malformed.
wire::result<live_board::request> parse_subscription(const std::string& text, board_view view) {
    const auto wrong = [](std::string why) {
        return wire::make_error(wire::status::invalid_argument, std::move(why));
    };
    if (auto sound = wire::check_json(text); !sound) return sound.error();
    const auto message = nlohmann::json::parse(text, nullptr, false);
    if (!message.is_object() || !message.contains("subscribe") || !message["subscribe"].is_array())
        return wrong("expected {\"subscribe\":[topic, …],\"since\":n}");
    std::vector<std::string> topics;
    for (const auto& topic : message["subscribe"]) {
        if (!topic.is_string()) return wrong("a topic is a string");
        topics.push_back(topic.get<std::string>());
    }
    auto wanted = subscription_to(topics);
    if (!wanted) return wanted;
    wanted->view = view;
    if (const auto since = message.find("since"); since != message.end()) {
        const auto position = since->is_string() ? wire::parse_position(since->get<std::string>())
                              : since->is_number_unsigned()
                                  ? std::optional(wire::position{0, since->get<std::uint64_t>()})
                                  : std::nullopt;
        if (!position) return wrong("since is a sequence or \"board-sequence\"");
        wanted->since = *position;
    }
    return wanted;
}

class websocket_stream final : public connection::protocol, public board_subscriber {
public:
    websocket_stream(connection& link, live_board& board, board_view view)
        : link_(link), board_(board), view_(view) {
        link_.home().arm(idle_, ping_after);
    }

    std::size_t on_bytes(std::string_view bytes) override {
        const auto size = bytes.size();
        while (link_.takes_input() && !link_.must_wait(deadline_wheel::clock::now())) {
            // A message may cause a long answer, so the next one waits until the last answer has been sent.
            if (link_.is_congested() || start_) {
                kept_ = link_.shared_from_this();
                link_.pause_reading();
                break;
            }
            const auto event = reader_.next(bytes);
            if (!event) break;
            on_client_event(*event);
        }
        return link_.takes_input() ? size - bytes.size() : size;
    }

    void on_drained() override {
        if (subscription_) subscription_->resume();
        if (!start_) listen_again();
    }

    void on_closed() override {
        kept_.reset();
        subscription_.reset();
        idle_.disarm();
    }

    void drain() override { close(websocket_close::going_away, "the server stops"); }

    void on_start(start_kind kind, std::uint64_t sequence, shared_batch states) override {
        while (start_ && start_began_) send_piece(); // a message that has begun is completed
        start_.emplace("{\"type\":\"" + std::string(start_name(kind)) + "\",",
                       wire::position{board_.board_id(), sequence}, std::move(states), "}");
    }
    bool send_states() override {
        if (start_) send_piece();
        if (!start_) listen_again();
        return !start_;
    }
    void on_event(const board_event_ptr& event) override {
        text_.clear();
        append_message(text_, *event);
        send(text_);
    }
    bool is_congested() const override { return link_.is_congested(); }

private:
    // Posted, because the next message may replace the subscription whose turn this is.
    void listen_again() {
        if (!kept_) return;
        link_.home().post([link = std::exchange(kept_, nullptr)] { link->resume_reading(); });
    }

    // One fragment of the first message.
    void send_piece() {
        const auto text = start_->next();
        const auto what = start_began_ ? websocket_opcode::continuation : websocket_opcode::text;
        start_began_ = !start_->is_done();
        if (!start_began_) start_.reset();
        send_frame(what, text, !start_began_);
    }

    void on_client_event(const websocket_reader::event& event) {
        switch (event.opcode) {
        case websocket_opcode::text:
            return on_message(event.payload);
        case websocket_opcode::ping:
            return send_frame(websocket_opcode::pong, event.payload);
        case websocket_opcode::close:
            return close(event.code, event.is_failure ? event.payload : std::string());
        case websocket_opcode::binary:
            return close(websocket_close::unsupported, "messages are text");
        case websocket_opcode::pong:
        case websocket_opcode::continuation:
            return;
        }
    }

    void on_message(const std::string& text) {
        auto wanted = parse_subscription(text, view_);
        if (!wanted)
            return send(nlohmann::json{{"error", wanted.error().message}, {"code", "INVALID_ARGUMENT"}}.dump(
                -1, ' ', false, nlohmann::json::error_handler_t::replace));
        subscription_.reset();
        subscription_ = board_.subscribe(*this, *wanted);
    }

    void on_idle() {
        const auto silent = deadline_wheel::clock::now() - link_.last_read();
        // A client that reads slowly is not read, so it does not count as silent; the connection closes when
        // the client reads nothing at all.
        if (silent >= gone_after && !link_.is_congested()) return link_.close();
        if (silent >= ping_after) send_frame(websocket_opcode::ping, {});
        link_.home().arm(idle_, ping_after);
    }

    void send(std::string_view text) { send_frame(websocket_opcode::text, text); }

    void send_frame(websocket_opcode what, std::string_view payload, bool is_last = true) {
        append_websocket_frame(link_.output(), what, payload, is_last);
        link_.flush_soon();
    }

    void close(websocket_close code, std::string_view why) {
        subscription_.reset();
        append_websocket_close(link_.output(), code, why);
        link_.close_when_sent();
    }

    connection& link_;
    live_board& board_;
    const board_view view_;
    websocket_reader reader_{message_bytes_max};
    std::string text_;
    std::optional<start_message> start_; // the part not sent yet
    bool start_began_ = false;           // its first fragment was sent
    std::shared_ptr<connection> kept_;   // while reading is paused: no pending read keeps it alive
    member_deadline<websocket_stream, &websocket_stream::on_idle> idle_{*this};
    std::unique_ptr<live_board::subscription> subscription_;
};

} // namespace

void start_websocket(const access_policy& access, board_set& boards, http_request&& request,
                     const std::shared_ptr<http_exchange>& exchange) {
    const auto view = choose_view(access, request);
    if (!view) return exchange->fail(view.error());
    auto accepted = accept_websocket(request);
    if (!accepted) return exchange->respond(refuse_websocket(accepted.error(), exchange->node()));
    auto& board = boards.of(exchange->home());
    if (!board.is_filled()) return exchange->fail(not_filled());
    auto& link = exchange->link();
    exchange->switch_to(*std::move(accepted), std::make_unique<websocket_stream>(link, board, *view));
}

} // namespace stadion::net
