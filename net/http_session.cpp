#include "net/http_session.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <charconv>
#include <ctime>

namespace stadion::net {
namespace http = boost::beast::http;
namespace {

using namespace std::chrono_literals;

constexpr std::size_t header_bytes_max = 16 * 1024;
constexpr std::size_t headers_max = 100;
constexpr std::size_t body_bytes_max = 1 << 20;
constexpr auto idle_check_every = 15s;
constexpr auto keep_alive_max = 75s;

http_method to_method(http::verb verb) {
    switch (verb) {
    case http::verb::get:
        return http_method::get;
    case http::verb::head:
        return http_method::head;
    case http::verb::post:
        return http_method::post;
    case http::verb::put:
        return http_method::put;
    case http::verb::delete_:
        return http_method::delete_;
    case http::verb::options:
        return http_method::options;
    default:
        return http_method::other;
    }
}

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

std::string to_lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

// Why this header block may not be trusted, or nothing. Each of these lets two parsers disagree about where a
// request ends (request smuggling, RFC 9112 section 11.2).
template <typename Message>
const char* distrust(const Message& message, std::string_view raw) {
    if (raw.find("\r\n ") != std::string_view::npos || raw.find("\r\n\t") != std::string_view::npos)
        return "a header is folded over several lines";
    std::size_t hosts = 0, lengths = 0, encodings = 0, count = 0;
    for (const auto& field : message) {
        ++count;
        if (field.name() == http::field::host) ++hosts;
        if (field.name() == http::field::content_length) ++lengths;
        if (field.name() == http::field::transfer_encoding) {
            ++encodings;
            if (to_lower(std::string_view(field.value().data(), field.value().size())) != "chunked")
                return "Transfer-Encoding is not chunked";
        }
    }
    if (count > headers_max) return "there are more than 100 headers";
    if (hosts > 1) return "there are two Host headers";
    if (hosts == 0 && message.version() >= 11) return "there is no Host header";
    if (lengths > 1) return "Content-Length is repeated";
    if (encodings > 1) return "Transfer-Encoding is repeated";
    if (encodings == 1 && lengths == 1) return "there are both Content-Length and Transfer-Encoding";
    if (encodings == 1 && message.version() < 11) return "HTTP/1.0 has no Transfer-Encoding";
    return nullptr;
}

} // namespace

class http_session::parser : public http::request_parser<http::string_body> {
public:
    parser() {
        body_limit(body_bytes_max);
        header_limit(header_bytes_max);
    }
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
    link_.home().arm(idle_, idle_check_every);
}

void http_session::drain() {
    keep_alive_ = false;
    if (current_ == nullptr || streaming_) link_.close_when_sent();
}

std::size_t http_session::on_bytes(std::string_view bytes) {
    const auto size = bytes.size();
    if (streaming_) return size; // nothing is asked on a connection that streams
    while (!bytes.empty() && current_ == nullptr && link_.takes_input() && !link_.is_full()) {
        if (!parser_) {
            const auto end = bytes.find("\r\n\r\n");
            if (end == std::string_view::npos) {
                if (bytes.size() > header_bytes_max)
                    refuse(431, wire::status::invalid_argument, "the headers are larger than 16 KiB");
                return size - bytes.size();
            }
            const auto raw = bytes.substr(0, end + 4);
            if (raw.size() > header_bytes_max) {
                refuse(431, wire::status::invalid_argument, "the headers are larger than 16 KiB");
                return size;
            }
            parser_ = std::make_unique<parser>();
            error_code failure;
            parser_->put(asio::buffer(raw.data(), raw.size()), failure);
            if (failure == http::error::body_limit) {
                refuse(413, wire::status::resource_exhausted, "the body is larger than 1 MiB");
                return size;
            }
            if (failure && failure != http::error::need_more) {
                refuse(400, wire::status::invalid_argument, "this is not HTTP: " + failure.message());
                return size;
            }
            if (const auto* reason = distrust(parser_->get(), raw)) {
                refuse(400, wire::status::invalid_argument, std::string("refused: ") + reason);
                return size;
            }
            bytes.remove_prefix(raw.size());
            parser_->eager(true);
        }
        if (!parser_->is_done()) {
            error_code failure;
            const auto used = parser_->put(asio::buffer(bytes.data(), bytes.size()), failure);
            bytes.remove_prefix(used);
            link_.hold(parser_->get().body().size());
            if (failure == http::error::body_limit) {
                refuse(413, wire::status::resource_exhausted, "the body is larger than 1 MiB");
                return size;
            }
            if (failure && failure != http::error::need_more) {
                refuse(400, wire::status::invalid_argument, "the body is broken: " + failure.message());
                return size;
            }
            if (!parser_->is_done()) {
                if (!std::exchange(parser_->continued, true) &&
                    boost::beast::iequals(parser_->get()[http::field::expect], "100-continue"))
                    link_.output() += "HTTP/1.1 100 Continue\r\n\r\n";
                return size - bytes.size();
            }
        }
        handle();
        if (streaming_) return size;
    }
    return link_.takes_input() ? size - bytes.size() : size;
}

void http_session::handle() {
    auto message = parser_->release();
    keep_alive_ = message.keep_alive() && !server_.draining;
    chunked_ = message.version() >= 11;
    parser_.reset();
    server_.metrics.of(link_.home().index()).http_requests.add();

    http_request request;
    request.method = to_method(message.method());
    head_ = request.method == http_method::head;
    request.target.assign(message.target().data(), message.target().size());
    const std::string_view target(request.target);
    const auto question = std::min(target.find('?'), target.size());
    auto path = percent_decode(target.substr(0, question), false);
    auto query = parse_query(target.substr(std::min(question + 1, target.size())));
    if (!path || !query || path->empty() || path->front() != '/')
        return refuse(400, wire::status::invalid_argument, "the request target is malformed");
    request.path = std::move(*path);
    request.query = std::move(*query);
    for (const auto& field : message)
        request.headers.emplace_back(
            to_lower(std::string_view(field.name_string().data(), field.name_string().size())),
            std::string(field.value().data(), field.value().size()));
    request.body = std::move(message.body());

    auto exchange = std::make_shared<http_exchange>(*this, link_.shared_from_this());
    current_ = exchange.get();

    std::string_view token = request.header("authorization");
    if (!token.empty()) {
        if (!to_lower(token.substr(0, 7)).starts_with("bearer "))
            return exchange->fail(
                wire::make_error(wire::status::unauthenticated, "Authorization is `Bearer TOKEN`"));
        token.remove_prefix(7);
    }
    auto granted = server_.access.authenticate(token);
    if (!granted) return exchange->fail(granted.error());
    request.roles = *granted;

    const auto match = server_.http.find(request);
    if (match.found == nullptr && match.allowed.empty())
        return exchange->fail(wire::make_error(wire::status::not_found, "no such path: " + request.path));
    if (match.found == nullptr) {
        auto response =
            problem(405, wire::status::unimplemented,
                    std::string(http_method_name(request.method)) + " is not allowed for " + request.path,
                    server_.node());
        std::string allowed;
        for (const auto method : match.allowed)
            allowed += (allowed.empty() ? "" : ", ") + std::string(http_method_name(method));
        response.headers.emplace_back("Allow", allowed);
        return exchange->respond(std::move(response));
    }
    if (auto permitted = access_policy::check(request.roles, match.found->need, request.path); !permitted)
        return exchange->fail(permitted.error());
    if (server_.is_overloaded()) {
        return exchange->fail(server_context::overloaded());
    }
    match.found->run(std::move(request), exchange);
    // Not answered yet: what the client pipelined behind waits its turn.
    if (current_ != nullptr && !streaming_ && link_.is_open()) {
        link_.pause_reading();
        resume_ = true;
    }
}

void http_session::refuse(unsigned status, wire::status code, std::string detail) {
    keep_alive_ = false;
    parser_.reset();
    head_ = false;
    send(problem(status, code, std::move(detail), server_.node()), true);
    link_.close_when_sent();
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

// --- http_exchange ---

http_exchange::http_exchange(http_session& session, std::shared_ptr<connection> link)
    : session_(&session), link_(std::move(link)) {}

http_exchange::~http_exchange() {
    if (session_ == nullptr) return;
    if (streaming_)
        end_stream();
    else
        fail(wire::make_error(wire::status::internal, "the request was dropped without an answer"));
}

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

tcp::socket http_exchange::take_socket() {
    link_->flush();
    session_->current_ = nullptr;
    session_ = nullptr;
    return link_->release();
}

} // namespace stadion::net
