#include "net/board/board_streams.hpp"

#include "net/board/board_lists.hpp"
#include "net/board/start_message.hpp"
#include "net/board/topic_limits.hpp"
#include "net/board/websocket_stream.hpp"
#include "net/session/http_session.hpp"

#include <optional>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;
using exchange_ptr = std::shared_ptr<http_exchange>;

constexpr auto comment_every = 15s;

enum class format : std::uint8_t { sse, ndjson };

class http_stream final : public board_subscriber {
public:
    http_stream(exchange_ptr exchange, format as) : exchange_(std::move(exchange)), format_(as) {}

    void begin(live_board& board, const live_board::request& wanted) {
        board_ = &board;
        exchange_->begin_stream(format_ == format::sse ? "text/event-stream" : "application/x-ndjson");
        subscription_ = board.subscribe(*this, wanted);
        if (format_ == format::sse) exchange_->home().arm(comment_, comment_every);
    }
    void resume() {
        if (subscription_) subscription_->resume();
    }
    void end() {
        subscription_.reset();
        comment_.disarm();
        exchange_->on_drained = nullptr;
    }

    void on_start(start_kind kind, std::uint64_t sequence, shared_batch states) override {
        while (start_) send_piece(); // a message that has begun is completed
        const auto name = std::string(start_name(kind));
        const wire::position at{board_->board_id(), sequence};
        id_prefix_ = std::to_string(at.board) + '-';
        if (format_ == format::ndjson)
            start_.emplace("{\"type\":\"" + name + "\",", at, std::move(states), "}\n");
        else
            start_.emplace("event: " + name + "\nid: " + wire::to_text(at) + "\ndata: {", at,
                           std::move(states), "}\n\n");
    }

    bool send_states() override {
        if (start_) send_piece();
        return !start_;
    }

    void on_event(const board_event_ptr& event) override {
        text_.clear();
        if (format_ == format::sse) {
            append_sse(text_, event->type(), event->sequence(), event->json());
        } else {
            append_message(text_, *event);
            text_ += '\n';
        }
        exchange_->write(text_);
    }

    bool is_congested() const override { return exchange_->is_congested(); }

private:
    void send_piece() {
        exchange_->write(start_->next());
        if (start_->is_done()) start_.reset();
    }

    // Keeps proxies from closing a quiet stream, and makes a broken connection show.
    void send_comment() {
        if (!start_) exchange_->write(":\n\n"); // not into the middle of a message
        exchange_->home().arm(comment_, comment_every);
    }

    void append_sse(std::string& out, std::string_view name, std::uint64_t sequence,
                    std::string_view data) const {
        out.append("event: ").append(name).append("\nid: ").append(id_prefix_);
        out.append(std::to_string(sequence));
        out.append("\ndata: ").append(data).append("\n\n");
    }

    exchange_ptr exchange_;
    format format_;
    live_board* board_ = nullptr;
    std::string id_prefix_; // `board-`, the first part of each event's id
    std::string text_;
    std::optional<start_message> start_; // the part not sent yet
    member_deadline<http_stream, &http_stream::send_comment> comment_{*this};
    std::unique_ptr<live_board::subscription> subscription_;
};

wire::result<live_board::request> parse_request(const http_request& request) {
    std::vector<std::string> topics;
    std::string_view list = request.parameter("topics").value_or("");
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        if (comma != 0) topics.emplace_back(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    auto wanted = subscription_to(topics);
    if (!wanted) return wanted;
    // A browser that reconnects sends its position as a header, which is newer than the `since` of its
    // address.
    std::string_view since = request.header("last-event-id");
    if (since.empty()) since = request.parameter("since").value_or("");
    if (since.empty()) return wanted;
    const auto position = wire::parse_position(since);
    if (!position)
        return wire::make_error(wire::status::invalid_argument,
                                "since is neither a sequence nor board-sequence: " + std::string(since));
    wanted->since = *position;
    return wanted;
}

void start(server& at, board_set& boards, const http_request& request, const exchange_ptr& exchange,
           format as) {
    auto wanted = parse_request(request);
    if (!wanted) return exchange->fail(wanted.error());
    const auto view = choose_view(at.context().access, request);
    if (!view) return exchange->fail(view.error());
    wanted->view = *view;
    auto& board = boards.of(exchange->home());
    if (!board.is_filled()) return exchange->fail(not_filled());
    auto stream = std::make_shared<http_stream>(exchange, as);
    exchange->on_drained = [stream] { stream->resume(); };
    exchange->on_abandoned = [stream] { stream->end(); };
    stream->begin(board, *wanted);
}

} // namespace

void append_message(std::string& out, const wire::board_event& event) {
    out.append("{\"type\":\"").append(event.type()).append("\",").append(event.json(), 1);
}

void add_board_streams(server& to, board_set& boards) {
    to.http().on_exchange(http_method::get, "/v1/stream", anyone,
                          [&to, &boards](http_request&& request, const exchange_ptr& exchange) {
                              start(to, boards, request, exchange, format::sse);
                          });
    to.http().on_exchange(http_method::get, "/v1/feed", anyone,
                          [&to, &boards](http_request&& request, const exchange_ptr& exchange) {
                              start(to, boards, request, exchange, format::ndjson);
                          });
    to.http().on_exchange(http_method::get, "/v1/ws", anyone,
                          [&to, &boards](http_request&& request, const exchange_ptr& exchange) {
                              start_websocket(to.context().access, boards, std::move(request), exchange);
                          });
}

} // namespace stadion::net
