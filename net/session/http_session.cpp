#include "net/session/http_session.hpp"

#include "net/loop/owned_by_worker.hpp"
#include "net/loop/thrown.hpp"

#include <ctime>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr auto idle_check_every = 15s;

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

} // namespace

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
    using timeout = http_server_protocol::timeout;
    const auto now = deadline_wheel::clock::now();
    const auto due = current_ == nullptr ? protocol_.check(now, link_.last_read()) : timeout::none;
    if (due == timeout::close) return link_.close();
    if (due == timeout::refused) {
        refuse();
        return link_.flush_soon();
    }
    link_.home().arm(idle_, idle_check_every);
}

void http_session::drain() {
    protocol_.close_after_answer();
    if (current_ == nullptr || streaming_) link_.close_when_sent();
}

std::size_t http_session::on_bytes(std::string_view bytes) {
    using step = http_server_protocol::step;
    const auto size = bytes.size();
    std::string out; // the connection's own output is touched only where there is something to send
    while (!bytes.empty() && current_ == nullptr && !switched_ && link_.takes_input() &&
           !link_.must_wait(deadline_wheel::clock::now())) {
        const auto next = protocol_.receive(bytes, out);
        if (!out.empty()) link_.output().append(std::exchange(out, {}));
        link_.hold(protocol_.held());
        if (next == step::refused) refuse();
        if (next != step::request) break;
        handle();
    }
    const bool waits =
        current_ == nullptr && !link_.is_waiting() && (protocol_.is_in_request() || !bytes.empty());
    protocol_.wait_for_rest(waits, link_.last_read());
    // Input is discarded while a response streams, and when the connection is closing.
    return streaming_ || !link_.takes_input() ? size : size - bytes.size();
}

void http_session::handle() {
    auto request = protocol_.take_request();
    if (server_.draining) protocol_.close_after_answer();
    server_.metrics.of(link_.home().index()).http_requests.add();

    auto exchange = make_owned_by<http_exchange>(link_.home(), *this, link_.shared_from_this());
    current_ = exchange.get();
    const auto* route = admit(request, *exchange);
    if (route == nullptr) return;
    route->run(std::move(request), exchange);
    // Without an answer yet, pipelined requests wait.
    if (current_ != nullptr && !streaming_ && link_.is_open()) {
        link_.pause_reading();
        resume_after_answer_ = true;
    }
}

// The route of the request. Null when it is refused or has no route; it has then been answered.
const http_router::route* http_session::admit(http_request& request, http_exchange& exchange) {
    const auto refused = [&](const wire::error& failure) -> const http_router::route* {
        exchange.fail(failure);
        return nullptr;
    };
    if (auto ours = server_.origins.check(request); !ours) return refused(ours.error());
    protocol_.set_cross_origin(server_.origins.cross_origin(request));
    if (request.method == http_method::options && protocol_.is_cross_origin()) {
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

// A browser sends a preflight request before the page of an allowed site may send more than a form can
// (CORS).
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

void http_session::refuse() {
    send(problem(protocol_.refusal(), server_.node()));
    link_.close_when_sent();
}

void http_session::send(http_response&& response) {
    auto shared = protocol_.answer(std::move(response), http_date(), link_.output());
    if (shared) link_.output_shared(std::move(shared));
}

void http_session::begin_stream(std::string_view content_type) {
    streaming_ = true;
    link_.resume_reading();
    protocol_.begin_stream(content_type, http_date(), link_.output());
    link_.flush_soon();
}

void http_session::write_piece(std::string_view piece) {
    protocol_.append_piece(piece, link_.output());
    link_.flush_soon();
}

void http_session::end_stream() {
    protocol_.end_stream(link_.output());
    link_.close_when_sent();
    current_ = nullptr;
    link_.flush_soon();
}

void http_session::finish() {
    current_ = nullptr;
    link_.hold(0);
    if (!protocol_.keeps_alive()) {
        link_.close_when_sent();
    } else {
        link_.flush_soon();
        if (std::exchange(resume_after_answer_, false)) link_.resume_reading();
    }
}

void http_session::switch_to(const http_headers& headers, std::unique_ptr<connection::protocol> next,
                             std::string_view first) {
    auto& out = link_.output();
    http_server_protocol::append_switch(headers, out);
    out.append(first);
    current_ = nullptr;
    switched_ = true;
    link_.hold(0);
    idle_.disarm();
    const auto link = link_.shared_from_this();
    link->replace_protocol(std::move(next)); // destroys this session, unless a request is being handled
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
    session->send(std::move(response));
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
    session_->write_piece(piece);
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
