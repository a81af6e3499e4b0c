#include "net/http/http_client.hpp"

#include "net/http/http_head.hpp"
#include "net/os/memory_budget.hpp"
#include "net/rpc/connect.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <optional>

namespace stadion::net {
namespace {

using clock = deadline_wheel::clock;

constexpr std::size_t piece_size = 16 * 1024;
constexpr int interim_answers_max = 8;

std::string encode(const http_client_request& request, const std::string& address) {
    std::string out = request.method + ' ' + request.target + " HTTP/1.1\r\nHost: " + address + "\r\n";
    for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
    if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD"))
        out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    out += "\r\n";
    out += request.body;
    return out;
}

// A socket with a deadline. At the deadline it is closed, which ends every pending operation on it.
struct timed_socket {
    timed_socket(worker& at, std::string to, tcp::socket connected)
        : home(at), socket(std::move(connected)), address(std::move(to)) {}

    void close() {
        error_code ignored;
        socket.close(ignored);
    }
    void on_expiry() {
        late = true;
        close();
    }
    void allow(std::chrono::milliseconds within) {
        late = false;
        if (within.count() > 0)
            home.arm(timer, within);
        else
            timer.disarm();
    }
    wire::error failed(const std::string& what, const error_code& failure) const {
        if (late) return wire::make_error(wire::status::deadline_exceeded, what + " took too long");
        return wire::make_error(wire::status::unavailable, what + " failed: " + failure.message());
    }
    wire::error broken(const wire::error& how) const {
        return http_error(502, wire::status::unavailable,
                          "the answer of " + address + " is broken: " + how.message);
    }
    // Appends what has come to the buffer.
    awaitable<error_code> receive() {
        error_code failure;
        const auto before = buffer.size();
        buffer.resize(before + piece_size);
        const auto size = co_await socket.async_read_some(asio::buffer(buffer.data() + before, piece_size),
                                                          asio::redirect_error(use_awaitable, failure));
        buffer.resize(before + size);
        co_return failure;
    }

    worker& home;
    tcp::socket socket;
    std::string buffer; // received and not consumed yet
    std::string address;
    member_deadline<timed_socket, &timed_socket::on_expiry> timer{*this};
    bool late = false;
    bool used = false; // it has carried a request before
    clock::time_point idle_since{};
};

} // namespace

// Connections that wait for their next request.
class http_client::pool {
public:
    explicit pool(http_client_options options) : options_(options) {}

    std::unique_ptr<timed_socket> take(const std::string& address) {
        auto& kept = idle_[address];
        while (!kept.empty()) {
            auto newest = std::move(kept.back());
            kept.pop_back();
            if (clock::now() - newest->idle_since <= options_.idle_for && newest->socket.is_open())
                return newest;
            kept.clear(); // the others are older still
        }
        return nullptr;
    }

    void give(std::unique_ptr<timed_socket> one) {
        one->timer.disarm();
        one->used = true;
        one->idle_since = clock::now();
        auto& kept = idle_[one->address];
        if (kept.size() < options_.idle_max) kept.push_back(std::move(one));
    }

private:
    http_client_options options_;
    std::map<std::string, std::vector<std::unique_ptr<timed_socket>>> idle_;
};

class http_answer::transfer {
public:
    transfer(std::unique_ptr<timed_socket> over, std::weak_ptr<http_client::pool> back_to)
        : socket_(std::move(over)), pool_(std::move(back_to)) {}

    // Sends the request and reads the head of its answer.
    awaitable<std::optional<http_failure>> begin(const std::string& request, bool has_no_body,
                                                 bool may_switch) {
        error_code failure;
        co_await asio::async_write(socket_->socket, asio::buffer(request),
                                   asio::redirect_error(use_awaitable, failure));
        // An interim answer (1xx) before the answer is skipped: the client asks for none.
        for (int heads = 0; !failure && heads <= interim_answers_max;) {
            const auto size = find_head(socket_->buffer);
            if (!size) co_return http_failure(socket_->broken(size.error()), true);
            if (*size == 0) {
                failure = co_await socket_->receive();
                got_anything_ = got_anything_ || !socket_->buffer.empty();
                continue;
            }
            auto head = parse_answer_head(std::string_view(socket_->buffer).substr(0, *size), has_no_body);
            if (!head) co_return http_failure(socket_->broken(head.error()), true);
            socket_->buffer.erase(0, *size);
            ++heads;
            if (head->status < 200 && head->status != 101) continue;
            if (head->status == 101 && !may_switch) break;
            head_ = *std::move(head);
            finish_if_done();
            co_return std::nullopt;
        }
        if (failure) co_return http_failure(socket_->failed("asking " + socket_->address, failure), true);
        co_return http_failure(socket_->broken(wire::make_error(wire::status::unavailable,
                                                                "it has a 1xx that was not asked for")),
                               true);
    }

    bool got_anything() const { return got_anything_; }

    awaitable<wire::result<std::string>> read_some(std::chrono::milliseconds within) {
        std::string piece;
        if (!socket_) co_return piece;
        socket_->allow(within);
        for (;;) {
            const auto used = head_.body.take(socket_->buffer, piece, piece_size);
            if (!used) {
                auto error = socket_->broken(used.error());
                socket_.reset();
                co_return error;
            }
            socket_->buffer.erase(0, *used);
            if (!piece.empty() || head_.body.is_done()) break;
            const auto failure = co_await socket_->receive();
            if (failure == asio::error::eof && head_.body.ends_with_connection()) {
                socket_.reset();
                co_return piece;
            }
            if (failure) {
                auto error = socket_->failed("reading from " + socket_->address, failure);
                socket_.reset();
                co_return error;
            }
        }
        finish_if_done();
        co_return piece;
    }

    void cancel() {
        if (socket_) socket_->close();
    }

    http_answer::switched take_connection() {
        socket_->timer.disarm();
        http_answer::switched taken(std::move(socket_->socket), std::move(socket_->buffer));
        socket_.reset();
        return taken;
    }

    unsigned status() const noexcept { return head_.status; }
    bool is_stream() const noexcept { return head_.body.is_open_ended(); }
    const auto& headers() const noexcept { return head_.headers; }

private:
    void finish_if_done() {
        if (!head_.body.is_done() || head_.status == 101) return;
        const auto pool = pool_.lock();
        if (pool && head_.keep_alive && socket_->buffer.empty() && socket_->socket.is_open())
            pool->give(std::move(socket_));
        socket_.reset();
    }

    std::unique_ptr<timed_socket> socket_; // none once the body has ended
    std::weak_ptr<http_client::pool> pool_;
    answer_head head_;
    bool got_anything_ = false;
};

// --- http_answer ---

http_answer::http_answer(std::unique_ptr<transfer> from) : transfer_(std::move(from)) {}
http_answer::~http_answer() = default;
http_answer::http_answer(http_answer&&) noexcept = default;
http_answer& http_answer::operator=(http_answer&&) noexcept = default;

unsigned http_answer::status() const noexcept { return transfer_->status(); }
const http_headers& http_answer::headers() const noexcept { return transfer_->headers(); }
std::string_view http_answer::header(std::string_view name) const noexcept {
    for (const auto& [key, value] : headers())
        if (key == name) return value;
    return {};
}
bool http_answer::is_stream() const noexcept { return transfer_->is_stream(); }
http_answer::switched http_answer::take_connection() { return transfer_->take_connection(); }
void http_answer::cancel() { transfer_->cancel(); }

awaitable<wire::result<std::string>> http_answer::read_some(std::chrono::milliseconds within) {
    return transfer_->read_some(within);
}

awaitable<wire::result<std::string>> http_answer::read_all(std::size_t size_max,
                                                           std::chrono::milliseconds within) {
    const auto until = clock::now() + within;
    std::string whole;
    held_bytes counted;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
        auto piece = co_await read_some(std::max(left, std::chrono::milliseconds{1}));
        if (!piece) co_return piece;
        if (piece->empty()) co_return whole;
        if (whole.size() + piece->size() > size_max)
            co_return wire::make_error(wire::status::resource_exhausted,
                                       "the answer is larger than " + std::to_string(size_max) + " bytes");
        whole += *piece;
        counted.set(whole.capacity());
    }
}

// --- http_client ---

http_client::http_client(worker& home, http_client_options options)
    : pool_(std::make_shared<pool>(options)), home_(home), options_(options) {}

http_client::~http_client() = default;

awaitable<http_client::outcome> http_client::ask(std::string address, http_client_request request,
                                                 std::chrono::milliseconds within) {
    const auto until = clock::now() + within;
    const auto text = encode(request, address);
    const bool may_switch = std::any_of(request.headers.begin(), request.headers.end(),
                                        [](const auto& field) { return to_lower(field.first) == "upgrade"; });
    outcome result;
    for (bool only_fresh = false;; only_fresh = true) {
        auto socket = only_fresh ? nullptr : pool_->take(address);
        if (!socket) {
            auto fresh = co_await connect_to(home_, address, std::min(options_.connect_within, within));
            if (!fresh) {
                result.failure = http_failure(fresh.error(), false);
                co_return result;
            }
            socket = std::make_unique<timed_socket>(home_, address, *std::move(fresh));
        }
        const bool was_kept = socket->used;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
        socket->allow(std::max(left, std::chrono::milliseconds{1}));
        auto transfer = std::make_unique<http_answer::transfer>(std::move(socket), pool_);
        auto failure = co_await transfer->begin(text, request.method == "HEAD", may_switch);
        if (!failure) {
            result.answer = std::make_unique<http_answer>(std::move(transfer));
            co_return result;
        }
        const bool was_stale = was_kept && !transfer->got_anything();
        if (!was_stale || !request.may_repeat || failure->error.code == wire::status::deadline_exceeded) {
            result.failure = *failure;
            co_return result;
        }
    }
}

awaitable<wire::result<http_response>>
http_client::ask_whole(std::string address, http_client_request request, std::chrono::milliseconds within) {
    constexpr std::size_t size_max = 8 << 20;
    const auto until = clock::now() + within;
    auto asked = co_await ask(std::move(address), std::move(request), within);
    if (!asked.answer) co_return asked.failure.error;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
    auto body = co_await asked.answer->read_all(size_max, std::max(left, std::chrono::milliseconds{1}));
    if (!body) co_return std::move(body).error();
    http_response response;
    response.status = asked.answer->status();
    response.content_type = std::string(asked.answer->header("content-type"));
    response.headers = asked.answer->headers();
    response.body = *std::move(body);
    co_return response;
}

} // namespace stadion::net
