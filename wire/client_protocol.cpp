#include "wire/client_protocol.hpp"

#include "wire/constant_time.hpp"
#include "wire/error_message.hpp"

#include <algorithm>
#include <utility>

namespace stadion::wire {

void client_protocol::begin(challenge asked, std::string& out, clock::time_point now) {
    greeted_ = false;
    welcome_.Clear();
    why_.clear();
    proof_awaited_ = std::move(asked.proof);
    deadline_ = now + settings_.connect_within;
    append_hello(asked.nonce, proof_awaited_.empty() ? settings_.token : "", out);
}

void client_protocol::append_hello(std::string_view nonce, std::string_view token, std::string& out) const {
    v1::Hello hello;
    hello.set_version_min(version_supported);
    hello.set_version_max(version_supported);
    hello.set_role(settings_.role);
    hello.set_software("stadion");
    hello.set_node(settings_.node);
    hello.set_token(std::string(token));
    hello.set_nonce(std::string(nonce));
    append_frame(out, {frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
}

client_protocol::step client_protocol::receive(std::string_view& bytes, wire::frame& frame, std::string& out,
                                               clock::time_point now) {
    auto decoded = decode(bytes, frame, settings_.frame_size_max);
    if (decoded.status == decode_status::incomplete) return step::incomplete;
    if (decoded.status == decode_status::violation) return break_off(std::move(decoded.message));
    bytes.remove_prefix(decoded.size);
    if (decoded.status == decode_status::skip) return step::nothing;
    switch (frame.header.kind) {
    case frame_kind::welcome:
        return greeted_ ? step::nothing : on_welcome(frame, out, now);
    case frame_kind::reply:
        return step::reply;
    case frame_kind::event:
        return step::event;
    case frame_kind::ping:
        append_frame(out, {frame_kind::pong, 0, 0, frame.header.id, 0}, frame.body);
        return step::nothing;
    case frame_kind::goaway:
        return on_goaway(frame);
    default:
        return step::nothing;
    }
}

client_protocol::step client_protocol::on_welcome(const wire::frame& frame, std::string& out,
                                                  clock::time_point now) {
    welcome_.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
    if (!proof_awaited_.empty()) {
        if (!equal_in_constant_time(proof_awaited_, welcome_.proof()))
            return break_off("it has not proved that it holds the server token, and was not shown it");
        append_hello({}, settings_.token, out);
    }
    greeted_ = true;
    deadline_ = now + settings_.ping_after;
    return step::ready;
}

client_protocol::step client_protocol::on_goaway(const wire::frame& frame) {
    v1::Error error;
    error.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
    why_ = error.message();
    // With the highest id it is a warning: the final one follows.
    return frame.header.id == id_max ? step::nothing : step::leaving;
}

// --- what the caller sends ---

void client_protocol::request(std::uint64_t id, std::uint16_t method, std::string_view metadata,
                              std::string_view body, std::chrono::milliseconds budget,
                              std::string& out) const {
    const frame_header header{
        frame_kind::request, 0, method, id,
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(budget.count(), 1, 0xffffffff))};
    if (metadata.empty())
        append_frame(out, header, body);
    else
        append_frame(out, header, metadata, body);
}

void client_protocol::cancel(std::uint64_t id, std::string& out) const {
    append_frame(out, {frame_kind::cancel, 0, 0, id, 0}, {});
}

result<void> client_protocol::check_request(std::string_view metadata, std::string_view body,
                                            std::string_view to) const {
    if (metadata.size() > metadata_max)
        return make_error(status::invalid_argument, "the idempotency key is larger than 65,000 bytes");
    const std::size_t told =
        greeted_ && welcome_.max_frame() != 0 ? welcome_.max_frame() : wire::frame_size_max;
    const auto size_max = std::min(told, wire::frame_size_max);
    const auto size = frame_header_size + sizeof(std::uint16_t) + metadata.size() + body.size();
    if (size <= size_max) return {};
    return make_error(status::resource_exhausted, "the request has " + std::to_string(size) + " bytes, and " +
                                                      std::string(to) + " takes at most " +
                                                      std::to_string(size_max) + "; send it in parts");
}

error client_protocol::error_of(const wire::frame& frame, status code) const {
    v1::Error message;
    message.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
    auto failure = to_error(code, message);
    if (failure.origin.empty()) failure.origin = welcome_.node();
    return failure;
}

// --- silence ---

bool client_protocol::on_deadline(clock::time_point now, clock::time_point last_read, std::string& out) {
    if (!greeted_) {
        why_ = "the server did not greet in time";
        return true;
    }
    const auto silent = now - last_read;
    if (silent >= settings_.close_after) return true;
    const bool pings = silent >= settings_.ping_after;
    if (pings && pinged_for_ != last_read) append_frame(out, {frame_kind::ping, 0, 0, 0, 0}, {});
    if (pings) pinged_for_ = last_read;
    deadline_ = last_read + (pings ? settings_.close_after : settings_.ping_after);
    return false;
}

} // namespace stadion::wire
