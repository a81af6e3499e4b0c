#include "wire/server_protocol.hpp"

#include <algorithm>

namespace stadion::wire {
namespace {

constexpr std::size_t nonce_size = 16;
constexpr std::string_view stopping = "the server is stopping; go on elsewhere";

// What a frame may carry to a caller that takes frames of so many bytes; errors always fit.
std::size_t payload_max_for(std::uint32_t frame_bytes) {
    return std::clamp<std::size_t>(frame_bytes, frame_size_min_for_callers, frame_size_max) -
           frame_header_size;
}

bool parse(const frame& from, v1::Hello& to) {
    return to.ParseFromArray(from.body.data(), static_cast<int>(from.body.size()));
}

} // namespace

server_protocol::server_protocol(const server_protocol_settings& settings, clock::time_point now)
    : settings_(settings), deadline_(now + settings.hello_within) {}

server_protocol::step server_protocol::receive(std::string_view& bytes, incoming& what, std::string& out,
                                               clock::time_point now) {
    if (ending_) return step::ended;
    const auto size_max = greeted_ ? settings_.frame_size_max : settings_.hello_bytes_max;
    const auto decoded = decode(bytes, what.frame, size_max);
    if (decoded.status == decode_status::incomplete) return step::incomplete;
    if (decoded.status == decode_status::violation) return violation(decoded.code, decoded.message, out, now);
    bytes.remove_prefix(decoded.size);
    return decoded.status == decode_status::complete ? on_frame(what, out, now) : step::nothing;
}

server_protocol::step server_protocol::on_frame(incoming& what, std::string& out, clock::time_point now) {
    const auto& header = what.frame.header;
    if (!greeted_) return on_hello(what, out, now);
    switch (header.kind) {
    case frame_kind::request:
        return on_request(what);
    case frame_kind::cancel: // of one that is answered already: the reply is on its way
        return open_.contains(header.id) ? step::cancel : step::nothing;
    case frame_kind::hello:
        return on_late_token(what, out, now);
    case frame_kind::ping:
        append_frame(out, {frame_kind::pong, 0, 0, header.id, 0},
                     what.frame.body.substr(0, ping_payload_max));
        return step::nothing;
    case frame_kind::pong:
        return on_pong(out, now);
    default:
        return violation(status::invalid_argument,
                         "a caller does not send frames of kind " +
                             std::to_string(static_cast<int>(header.kind)),
                         out, now);
    }
}

server_protocol::step server_protocol::on_hello(incoming& what, std::string& out, clock::time_point now) {
    auto& hello = what.hello.emplace();
    if (what.frame.header.kind != frame_kind::hello || !parse(what.frame, hello))
        return violation(status::invalid_argument, "the first frame of a caller is HELLO", out, now);
    if (hello.version_min() > version_supported || hello.version_max() < version_supported)
        return violation(status::failed_precondition,
                         "versions " + std::to_string(hello.version_min()) + " to " +
                             std::to_string(hello.version_max()) + " are not spoken here, only 1 to 1",
                         out, now);
    if (!hello.nonce().empty() && hello.nonce().size() != nonce_size)
        return violation(status::invalid_argument,
                         "a nonce has 16 bytes, not " + std::to_string(hello.nonce().size()), out, now);
    if (hello.max_frame() != 0) payload_max_ = payload_max_for(hello.max_frame());
    awaits_token_ = !hello.nonce().empty() && hello.token().empty();
    return step::greet;
}

void server_protocol::welcome(v1::Welcome answer, std::string& out, clock::time_point now) {
    greeted_ = true;
    deadline_ = now + settings_.ping_after;
    answer.set_version(version_supported);
    answer.set_max_frame(static_cast<std::uint32_t>(settings_.frame_size_max));
    answer.set_max_in_flight(settings_.in_flight_max);
    append_frame(out, {frame_kind::welcome, 0, 0, 0, 0}, answer.SerializeAsString());
}

server_protocol::step server_protocol::on_late_token(incoming& what, std::string& out,
                                                     clock::time_point now) {
    auto& hello = what.hello.emplace();
    if (std::exchange(awaits_token_, false) && parse(what.frame, hello)) return step::take_token;
    return violation(
        status::invalid_argument,
        "a second HELLO only shows the token of a caller whose first one had a nonce and no token", out, now);
}

server_protocol::step server_protocol::on_request(incoming& what) {
    const auto& header = what.frame.header;
    last_accepted_ = std::max(last_accepted_, header.id);
    if (header.id == 0)
        what.refusal = make_error(status::invalid_argument, "a request's id is never 0");
    else if (header.budget == 0)
        what.refusal =
            make_error(status::deadline_exceeded, "the request's budget is spent (it was sent with 0 ms)");
    else if (!open_.empty() && open_.contains(header.id))
        what.refusal = make_error(status::invalid_argument,
                                  "a request with id " + std::to_string(header.id) + " is still open");
    else
        return step::run;
    return step::refuse;
}

result<void> server_protocol::open(std::uint64_t id) {
    if (open_.size() >= settings_.in_flight_max) {
        auto failure = make_error(status::resource_exhausted,
                                  std::to_string(open_.size()) +
                                      " requests are in flight on this connection, which is the limit");
        failure.retry_after = std::chrono::milliseconds{10};
        return failure;
    }
    open_.insert(id);
    return {};
}

server_protocol::ending server_protocol::close(std::uint64_t id) {
    open_.erase(id);
    return when_ended();
}

// --- silence and endings ---

server_protocol::ending server_protocol::on_deadline(clock::time_point now, clock::time_point last_read,
                                                     std::string& out) {
    if (ending_) return ending::close;
    if (!greeted_) {
        end(status::deadline_exceeded, "no HELLO arrived in time", out, now);
        return when_ended();
    }
    const auto silent = now - last_read;
    if (silent >= settings_.close_after) return ending::close;
    const bool pings = silent >= settings_.ping_after;
    if (pings && pinged_for_ != last_read) append_frame(out, {frame_kind::ping, 0, 0, 0, 0}, {});
    if (pings) pinged_for_ = last_read;
    deadline_ = last_read + (pings ? settings_.close_after : settings_.ping_after);
    return ending::none;
}

void server_protocol::end(status code, std::string_view why, std::string& out, clock::time_point now) {
    append_goaway(last_accepted_, code, why, out);
    ending_ = true;
    deadline_ = now + settings_.finish_within;
}

void server_protocol::append_goaway(std::uint64_t id, status code, std::string_view why,
                                    std::string& out) const {
    v1::Error body;
    body.set_message(std::string(why));
    append_frame(out, {frame_kind::goaway, 0, static_cast<std::uint16_t>(code), id, 0},
                 body.SerializeAsString());
}

server_protocol::ending server_protocol::drain(std::string& out) {
    if (draining_ || ending_) return ending::none;
    if (!greeted_) return ending::close_when_sent;
    draining_ = true;
    append_goaway(id_max, status::unavailable, stopping, out);
    append_frame(out, {frame_kind::ping, 0, 0, 0, 0}, {});
    return ending::none;
}

server_protocol::step server_protocol::on_pong(std::string& out, clock::time_point now) {
    return draining_ ? violation(status::unavailable, stopping, out, now) : step::nothing;
}

// --- replies ---

frame_header reply_header(status code, std::uint64_t id, std::uint64_t microseconds) noexcept {
    return {frame_kind::reply, 0, static_cast<std::uint16_t>(code), id,
            static_cast<std::uint32_t>(std::min<std::uint64_t>(microseconds, 0xffffffff))};
}

void append_reply(std::string& out, std::uint64_t id, std::uint64_t microseconds, std::string_view body,
                  std::string_view tail) {
    char header[frame_header_size];
    write_header(header, reply_header(status::ok, id, microseconds), body.size() + tail.size());
    out.append(header, sizeof header).append(body).append(tail);
}

} // namespace stadion::wire
