#include "net/websocket_stream.hpp"

#include "net/board_streams.hpp"
#include "wire/json.hpp"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <nlohmann/json.hpp>

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
        stream_.set_option(websocket::stream_base::timeout::suggested(boost::beast::role_type::server));
        stream_.read_message_max(message_bytes_max);
        stream_.async_accept(request, [self = shared_from_this()](error_code failure) {
            if (!failure) self->read();
        });
    }

    void on_start(start_kind kind, std::uint64_t sequence, const event_batch& states) override {
        send("{\"type\":\"" + std::string(start_name(kind)) + "\"," + start_fields(kind, sequence, states) +
             "}");
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
            self->read();
        });
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

    void send(std::string text) {
        queued_bytes_ += text.size();
        waiting_.push_back(std::move(text));
        if (waiting_.size() == 1) write();
    }

    void write() {
        stream_.text(true);
        stream_.async_write(asio::buffer(waiting_.front()),
                            [self = shared_from_this()](error_code failure, std::size_t) {
                                if (failure) return self->end();
                                const bool was_congested = self->is_congested();
                                self->queued_bytes_ -= self->waiting_.front().size();
                                self->waiting_.pop_front();
                                if (was_congested && !self->is_congested() && self->subscription_)
                                    self->subscription_->resume();
                                if (!self->waiting_.empty()) self->write();
                            });
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
    std::deque<std::string> waiting_;
    std::size_t queued_bytes_ = 0;
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
