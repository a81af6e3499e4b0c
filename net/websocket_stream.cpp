#include "net/websocket_stream.hpp"

#include "net/board_streams.hpp"
#include "net/start_message.hpp"
#include "net/topic_limits.hpp"
#include "wire/json.hpp"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <nlohmann/json.hpp>

#include <optional>

namespace stadion::net {
namespace websocket = boost::beast::websocket;
namespace http = boost::beast::http;
namespace {

constexpr std::size_t message_bytes_max = 64 * 1024;
constexpr std::size_t queued_bytes_max = 1 << 20;

class websocket_stream final : public board_subscriber,
                               public std::enable_shared_from_this<websocket_stream> {
public:
    websocket_stream(live_board& board, board_view view, tcp::socket socket)
        : board_(board), view_(view), stream_(std::move(socket)) {
        board_.home().connections.fetch_add(1, std::memory_order_relaxed);
    }
    ~websocket_stream() override { board_.home().connections.fetch_sub(1, std::memory_order_relaxed); }

    void accept(const http::request<http::empty_body>& request) {
        stream_.auto_fragment(false);
        stream_.set_option(websocket::stream_base::timeout::suggested(boost::beast::role_type::server));
        stream_.read_message_max(message_bytes_max);
        stream_.async_accept(request, [self = shared_from_this()](error_code failure) {
            if (!failure) self->read();
        });
    }

    void on_start(start_kind kind, std::uint64_t sequence, shared_batch states) override {
        start_.emplace("{\"type\":\"" + std::string(start_name(kind)) + "\",", sequence, std::move(states),
                       "}");
    }
    bool send_states() override {
        while (start_) {
            if (is_congested()) return false;
            auto text = start_->next();
            const bool is_last = start_->is_done();
            if (is_last) start_.reset();
            send(std::move(text), is_last);
        }
        return true;
    }
    void on_event(const board_event_ptr& event) override {
        std::string text;
        append_message(text, *event);
        send(std::move(text));
    }
    bool is_congested() const override { return queued_bytes_ > queued_bytes_max; }

private:
    void read() {
        stream_.async_read(input_, [self = shared_from_this()](error_code failure, std::size_t) {
            if (failure) return self->end();
            self->on_message(boost::beast::buffers_to_string(self->input_.data()));
            self->input_.consume(self->input_.size());
            self->read_on();
        });
    }

    // What is asked is answered only as fast as the answers are taken.
    void read_on() {
        reading_ = !is_congested() && !start_;
        if (reading_) read();
    }

    void on_message(const std::string& text) {
        const auto message = wire::json_depth_is_bounded(text)
                                 ? nlohmann::json::parse(text, nullptr, false)
                                 : nlohmann::json(nlohmann::json::value_t::discarded);
        if (!message.is_object() || !message.contains("subscribe") || !message["subscribe"].is_array())
            return refuse("expected {\"subscribe\":[topic, …],\"since\":n}");
        std::vector<std::string> topics;
        for (const auto& topic : message["subscribe"]) {
            if (!topic.is_string()) return refuse("a topic is a string");
            topics.push_back(topic.get<std::string>());
        }
        live_board::request wanted;
        wanted.filter = wire::topic_filter(std::move(topics));
        if (const auto checked = check_topics(wanted.filter); !checked)
            return refuse(checked.error().message);
        wanted.view = view_;
        if (const auto since = message.find("since"); since != message.end()) {
            if (!since->is_number_unsigned()) return refuse("since is a sequence");
            wanted.since = since->get<std::uint64_t>();
        }
        subscription_.reset();
        subscription_ = board_.subscribe(*this, wanted);
    }

    void refuse(const std::string& why) {
        send(nlohmann::json{{"error", why}, {"code", "INVALID_ARGUMENT"}}.dump());
    }

    // `is_last`: of the pieces of one message.
    void send(std::string text, bool is_last = true) {
        queued_bytes_ += text.size();
        counted_.set(queued_bytes_);
        waiting_.push_back({std::move(text), is_last});
        if (waiting_.size() == 1) write();
    }

    void write() {
        stream_.text(true);
        stream_.async_write_some(waiting_.front().is_last, asio::buffer(waiting_.front().text),
                                 [self = shared_from_this()](error_code failure, std::size_t) {
                                     if (failure) return self->end();
                                     self->on_written();
                                 });
    }

    void on_written() {
        const bool was_congested = is_congested();
        queued_bytes_ -= waiting_.front().text.size();
        counted_.set(queued_bytes_);
        waiting_.pop_front();
        if (!waiting_.empty()) write();
        if (!was_congested || is_congested()) return;
        if (subscription_) subscription_->resume();
        if (!reading_) read_on();
    }

    void end() {
        subscription_.reset();
        error_code ignored;
        stream_.next_layer().close(ignored);
    }

    live_board& board_;
    const board_view view_;
    websocket::stream<tcp::socket> stream_;
    boost::beast::flat_buffer input_;
    struct piece {
        std::string text;
        bool is_last;
    };
    std::deque<piece> waiting_;
    std::size_t queued_bytes_ = 0;
    held_bytes counted_;
    std::optional<start_message> start_; // the rest of it
    bool reading_ = true;
    std::unique_ptr<live_board::subscription> subscription_;
};

} // namespace

void start_websocket(const access_policy& access, board_set& boards, http_request&& request,
                     const std::shared_ptr<http_exchange>& exchange) {
    const auto view = choose_view(access, request);
    if (!view) return exchange->fail(view.error());
    http::request<http::empty_body> upgrade{http::verb::get, request.target, 11};
    for (const auto& [name, value] : request.headers) upgrade.insert(name, value);
    if (!websocket::is_upgrade(upgrade)) {
        auto response =
            problem(426, wire::status::failed_precondition, "this path speaks WebSocket: upgrade");
        response.headers.emplace_back("Upgrade", "websocket");
        return exchange->respond(std::move(response));
    }
    auto& board = boards.of(exchange->home());
    std::make_shared<websocket_stream>(board, *view, exchange->take_socket())->accept(upgrade);
}

} // namespace stadion::net
