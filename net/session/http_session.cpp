#include "net/session/http_session.hpp"

#include "net/http/http_head.hpp"
#include "net/loop/owned_by_worker.hpp"
#include "net/loop/thrown.hpp"

#include <charconv>
#include <ctime>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t body_bytes_max = 1 << 20;
constexpr auto idle_check_every = 15s;
constexpr auto keep_alive_max = 75s;
constexpr auto request_within = 60s; // from its first byte to its last

// The Date header's value; made once a second per thread.
std::string_view http_date() {
    thread_local std::time_t made_at = 0;
    thread_local char text[40];
    const auto now = std::time(nullptr);
    if (now != made_at) {
        made_at = now;
        std::tm utc{};
        ::gmtime_r(&now, &utc);
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    }
    return text;
}

void append_number(std::string& out, std::uint64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
}

bool has_body(unsigned status) { return status >= 200 && status != 204 && status != 304; }

void append_status_line(std::string& out, unsigned status) {
    out += "HTTP/1.1 ";
    append_number(out, status);
    out += ' ';
    out += reason_phrase(status);
    out += "\r\n";
}

} // namespace

// A request of which the head has come.
struct http_session::incoming {
    explicit incoming(request_head&& of) : head(std::move(of)) { head.body.limit(body_bytes_max); }
    request_head head;
    bool continued = false; // 100 Continue was sent
};

http_session::http_session(connection& link, server_context& server) : link_(link), server_(server) {
    link_.home().arm(idle_, idle_check_every);
}

http_session::~http_session() {
    if (current_ != nullptr) current_->session_ = nullptr;
}

void http_session::on_closed() {
    idle_.disarm();
    if (current_ == nullptr) return;
    current_->session_ = nullptr;
    if (auto action = std::exchange(current_->on_abandoned, nullptr)) action();
    current_ = nullptr;
}

void http_session::on_drained() {
    if (current_ != nullptr && current_->on_drained) current_->on_drained();
}

void http_session::on_idle() {
    const auto silent = deadline_wheel::clock::now() - link_.last_read();
    if (current_ == nullptr && silent >= keep_alive_max) return link_.close();
    if (current_ == nullptr && begun_ && deadline_wheel::clock::now() - *begun_ >= request_within) {
        refuse(http_error(408, wire::status::deadline_exceeded,
                          "the request took longer than a minute to come"));
        return link_.flush_soon();
    }
    link_.home().arm(idle_, idle_check_every);
}

void http_session::drain() {
    keep_alive_ = false;
    if (current_ == nullptr || streaming_) link_.close_when_sent();
}

std::size_t http_session::on_bytes(std::string_view bytes) {
    const auto size = bytes.size();
    while (!bytes.empty() && current_ == nullptr && !switched_ && link_.takes_input() &&
           !link_.must_wait(deadline_wheel::clock::now())) {
        const bool is_whole = (incoming_ || take_head(bytes)) && take_body(bytes);
        if (!is_whole) break;
        handle();
    }
    const bool is_partial = current_ == nullptr && !link_.is_waiting() && (incoming_ || !bytes.empty());
    if (!is_partial)
        begun_.reset();
    else if (!begun_)
        begun_ = link_.last_read();
    // Nothing is asked on a connection that streams, nor on one that ends.
    return streaming_ || !link_.takes_input() ? size : size - bytes.size();
}

// False: it has not all come, or was refused.
bool http_session::take_head(std::string_view& bytes) {
    const auto size = find_head(bytes);
    if (!size) return refuse(size.error());
    if (*size == 0) return false;
    auto head = parse_request_head(bytes.substr(0, *size));
    if (!head) return refuse(head.error());
    bytes.remove_prefix(*size);
    incoming_ = std::make_unique<incoming>(*std::move(head));
    return true;
}

bool http_session::take_body(std::string_view& bytes) {
    auto& [head, continued] = *incoming_;
    const auto used = head.body.take(bytes, head.request.body, body_bytes_max);
    if (!used) return refuse(used.error());
    bytes.remove_prefix(*used);
    link_.hold(head.request.body.size());
    if (head.body.is_done()) return true;
    if (head.waits_for_continue && !std::exchange(continued, true))
        link_.output() += "HTTP/1.1 100 Continue\r\n\r\n";
    return false;
}

void http_session::handle() {
    auto head = std::move(std::exchange(incoming_, nullptr)->head);
    auto& request = head.request;
    keep_alive_ = head.keep_alive && !server_.draining;
    chunked_ = !head.is_http_1_0;
    head_ = request.method == http_method::head;
    server_.metrics.of(link_.home().index()).http_requests.add();

    auto exchange = make_owned_by<http_exchange>(link_.home(), *this, link_.shared_from_this());
    current_ = exchange.get();
    const auto* route = admit(request, *exchange);
    if (route == nullptr) return;
    route->run(std::move(request), exchange);
    // Not answered yet: what the client pipelined behind waits its turn.
    if (current_ != nullptr && !streaming_ && link_.is_open()) {
        link_.pause_reading();
        resume_ = true;
    }
}

// Who answers the request; nobody, and it is answered, when it may not be or there is none.
const http_router::route* http_session::admit(http_request& request, http_exchange& exchange) {
    const auto refused = [&](const wire::error& failure) -> const http_router::route* {
        exchange.fail(failure);
        return nullptr;
    };
    guest_.clear();
    if (auto ours = server_.origins.check(request); !ours) return refused(ours.error());
    guest_ = server_.origins.guest(request);
    if (request.method == http_method::options && !guest_.empty()) {
        exchange.respond(answer_preflight());
        return nullptr;
    }
    std::string_view token = request.header("authorization");
    if (!token.empty()) {
        if (!to_lower(token.substr(0, 7)).starts_with("bearer "))
            return refused(
                wire::make_error(wire::status::unauthenticated, "Authorization is `Bearer TOKEN`"));
        token.remove_prefix(7);
    }
    auto granted = server_.access.authenticate(token);
    if (!granted) return refused(granted.error());
    request.roles = *granted;

    const auto match = server_.http.find(request);
    if (match.found == nullptr && match.allowed.empty())
        return refused(wire::make_error(wire::status::not_found, "no such path: " + request.path));
    if (match.found == nullptr) {
        exchange.respond(wrong_method(request, match.allowed));
        return nullptr;
    }
    if (auto permitted = access_policy::check(request.roles, match.found->need, request.path); !permitted)
        return refused(permitted.error());
    if (server_.is_overloaded()) return refused(server_context::overloaded());
    return match.found;
}

// What a browser asks before it lets an allowed site's page send more than a form could (CORS).
http_response http_session::answer_preflight() const {
    http_response response;
    response.status = 204;
    response.headers = {
        {"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE"},
        {"Access-Control-Allow-Headers",
         "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
         "Prefer, Stadion-Budget, Stadion-Client, Stadion-Seen"},
        {"Access-Control-Max-Age", "600"}};
    return response;
}

void http_session::greet_guest(std::string& out) const {
    if (guest_.empty()) return;
    out.append("Access-Control-Allow-Origin: ").append(guest_);
    out += "\r\nAccess-Control-Expose-Headers: ETag, Location, Retry-After, Stadion-Seen\r\nVary: Origin\r\n";
}

http_response http_session::wrong_method(const http_request& request,
                                         const std::vector<http_method>& allowed) const {
    auto response =
        problem(405, wire::status::unimplemented,
                std::string(http_method_name(request.method)) + " is not allowed for " + request.path,
                server_.node());
    std::string names;
    for (const auto method : allowed)
        names += (names.empty() ? "" : ", ") + std::string(http_method_name(method));
    response.headers.emplace_back("Allow", names);
    return response;
}

// Where the next request begins is no longer known, so it is the last.
bool http_session::refuse(const wire::error& failure) {
    keep_alive_ = false;
    incoming_.reset();
    guest_.clear();
    head_ = false;
    send(problem(failure, server_.node()), true);
    link_.close_when_sent();
    return false;
}

void http_session::send(http_response&& response, bool last) {
    const std::string_view body =
        response.shared_body ? std::string_view(*response.shared_body) : std::string_view(response.body);
    auto& out = link_.output();
    append_status_line(out, response.status);
    out.append("Date: ").append(http_date()).append("\r\n");
    if (has_body(response.status)) {
        out.append("Content-Type: ").append(response.content_type).append("\r\nContent-Length: ");
        append_number(out, body.size());
        out += "\r\n";
    }
    greet_guest(out);
    for (const auto& [name, value] : response.headers)
        out.append(name).append(": ").append(value).append("\r\n");
    if (last)
        out += "Connection: close\r\n";
    else if (!chunked_)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
    if (head_ || !has_body(response.status)) return;
    if (response.shared_body)
        link_.output_shared(std::move(response.shared_body));
    else
        out.append(body);
}

void http_session::begin_stream(std::string_view content_type) {
    streaming_ = true;
    link_.resume_reading();
    auto& out = link_.output();
    append_status_line(out, 200);
    out.append("Date: ").append(http_date()).append("\r\nContent-Type: ").append(content_type);
    out += "\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n";
    greet_guest(out);
    out += chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "Connection: close\r\n\r\n";
    link_.flush_soon();
}

void http_session::write_chunk(std::string_view piece) {
    if (piece.empty() || head_) return;
    auto& out = link_.output();
    if (chunked_) {
        char size[20];
        const auto end = std::to_chars(size, size + sizeof size, piece.size(), 16).ptr;
        out.append(size, end).append("\r\n").append(piece).append("\r\n");
    } else {
        out.append(piece);
    }
    link_.flush_soon();
}

void http_session::end_stream() {
    if (chunked_ && !head_) link_.output() += "0\r\n\r\n";
    link_.close_when_sent();
    current_ = nullptr;
    link_.flush_soon();
}

void http_session::finish() {
    current_ = nullptr;
    link_.hold(0);
    if (!keep_alive_) {
        link_.close_when_sent();
    } else {
        link_.flush_soon();
        if (std::exchange(resume_, false)) link_.resume_reading();
    }
}

void http_session::switch_to(const http_headers& headers, std::unique_ptr<connection::protocol> next,
                             std::string_view first) {
    auto& out = link_.output();
    append_status_line(out, 101);
    for (const auto& [name, value] : headers) out.append(name).append(": ").append(value).append("\r\n");
    out.append("\r\n").append(first);
    current_ = nullptr;
    switched_ = true;
    link_.hold(0);
    idle_.disarm();
    const auto link = link_.shared_from_this();
    link->become(std::move(next)); // unless a request is being handled, this session is gone
    link->flush_soon();
    link->resume_reading();
}

// --- http_exchange ---

http_exchange::http_exchange(http_session& session, std::shared_ptr<connection> link)
    : session_(&session), link_(std::move(link)) {}

http_exchange::~http_exchange() {
    if (session_ == nullptr) return;
    contained("an answer was", [this] {
        if (streaming_) return end_stream();
        fail(wire::make_error(wire::status::internal, "the request was dropped without an answer"));
    });
}

std::string http_exchange::node() const { return session_ == nullptr ? "" : session_->server_.node(); }

void http_exchange::respond(http_response response) {
    if (session_ == nullptr || streaming_) return;
    auto* session = std::exchange(session_, nullptr);
    session->send(std::move(response), !session->keep_alive_);
    session->finish();
}

void http_exchange::fail(const wire::error& failure) {
    if (session_ == nullptr || streaming_) return;
    respond(problem(failure, session_->server_.node()));
}

void http_exchange::begin_stream(std::string_view content_type) {
    if (session_ == nullptr) return;
    streaming_ = true;
    session_->begin_stream(content_type);
}

void http_exchange::write(std::string_view piece) {
    if (session_ == nullptr) return;
    session_->write_chunk(piece);
    session_->server_.metrics.of(home().index()).events_sent.add();
}

void http_exchange::end_stream() {
    if (session_ == nullptr) return;
    std::exchange(session_, nullptr)->end_stream();
}

void http_exchange::switch_to(http_headers headers, std::unique_ptr<connection::protocol> next,
                              std::string_view first) {
    if (session_ == nullptr) return;
    std::exchange(session_, nullptr)->switch_to(headers, std::move(next), first);
}

} // namespace stadion::net
