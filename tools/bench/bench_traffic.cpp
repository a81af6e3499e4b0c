#include "tools/bench/bench_traffic.hpp"
#include "wire/method_numbers.hpp"

#include "wire/proto/frontend.pb.h"
#include "wire/proto/handshake.pb.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <random>

namespace stadion::tools {
namespace {

constexpr std::uint32_t budget_ms = 30'000;
constexpr std::size_t id_at = 8;
constexpr std::size_t key_digits = 40;
constexpr std::uint64_t registration_id = std::uint64_t{1} << 62; // no request of ours has it
constexpr std::uint32_t stamp_base = 1u << 28;
constexpr std::uint32_t stamp_mask = (1u << 30) - 1;

void write_big_endian(char* to, std::uint64_t value) noexcept {
    value = __builtin_bswap64(value);
    std::memcpy(to, &value, sizeof value);
}

std::uint64_t read_big_endian(const char* from) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return __builtin_bswap64(value);
}

std::size_t frame_size_at(std::string_view received) noexcept {
    if (received.size() < wire::frame_header_size) return 0;
    std::uint32_t length = 0;
    std::memcpy(&length, received.data(), sizeof length);
    const std::size_t size = __builtin_bswap32(length) + sizeof length;
    return received.size() < size ? 0 : size;
}

void write_hex(char* to, std::uint64_t value) noexcept {
    for (int i = 15; i >= 0; --i, value >>= 4) to[i] = "0123456789abcdef"[value & 15];
}

std::uint64_t now_us() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                          std::chrono::steady_clock::now().time_since_epoch())
                                          .count());
}

} // namespace

std::uint32_t stamp_of(std::uint64_t microseconds) noexcept {
    return stamp_base + (static_cast<std::uint32_t>(microseconds) & stamp_mask);
}

void write_stamp(char* to, std::uint32_t stamp) noexcept {
    for (std::size_t i = 0; i < stamp_size; ++i, stamp >>= 7)
        to[i] = static_cast<char>((stamp & 0x7f) | (i + 1 < stamp_size ? 0x80 : 0));
}

std::uint32_t read_stamp(const char* from) noexcept {
    std::uint64_t stamp = 0;
    for (std::size_t i = 0; i < stamp_size; ++i)
        stamp |= std::uint64_t{static_cast<unsigned char>(from[i]) & 0x7fu} << (7 * i);
    return static_cast<std::uint32_t>(stamp);
}

std::uint32_t between(std::uint32_t earlier, std::uint32_t later) noexcept {
    return ((later - stamp_base) - (earlier - stamp_base)) & stamp_mask;
}

wire_traffic::wire_traffic(options wanted)
    : registers_(wanted.registers),
      run_((std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()) {
    v1::Hello hello;
    hello.set_version_min(wire::version_supported);
    hello.set_version_max(wire::version_supported);
    hello.set_role("client");
    hello.set_software("stadion bench");
    hello.set_token(wanted.token);
    wire::append_frame(hello_, {wire::frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
    for (const auto& body : wanted.bodies) {
        prepared frame;
        const wire::frame_header header{wire::frame_kind::request, 0, wanted.method, 1, budget_ms};
        if (wanted.with_keys) {
            v1::Metadata metadata;
            const std::string key(key_digits, '0');
            metadata.set_idempotency_key(key);
            wire::append_frame(frame.bytes, header, metadata.SerializeAsString(), body);
            frame.key_at = frame.bytes.find(key);
        } else {
            wire::append_frame(frame.bytes, header, body);
        }
        if (!wanted.number_after.empty())
            frame.number_at = frame.bytes.find(wanted.number_after) + wanted.number_after.size();
        frames_.push_back(std::move(frame));
    }
}

void wire_traffic::greet(std::string& out, std::size_t connection) const {
    out += hello_;
    if (!registers_) return;
    v1::RegisterClientRequest request;
    request.set_client_id("bench-" + std::to_string(run_) + "-" + std::to_string(connection));
    wire::append_frame(
        out, {wire::frame_kind::request, 0, wire::rpc::front_end_register_client, registration_id, budget_ms},
        request.SerializeAsString());
}

void wire_traffic::request(std::string& out, std::uint64_t id, std::size_t connection) const {
    const auto& frame = frames_[(id + connection) % frames_.size()];
    const auto start = out.size();
    out += frame.bytes;
    write_big_endian(out.data() + start + id_at, id);
    if (frame.key_at != 0) {
        char* const key = out.data() + start + frame.key_at;
        write_hex(key, run_);
        write_hex(key + 8, (run_ << 32) | connection);
        write_hex(key + 24, id);
    }
    if (frame.number_at != 0) write_stamp(out.data() + start + frame.number_at, stamp_of(now_us()));
}

bench_traffic::answer wire_traffic::look_at(std::string_view received) const {
    const auto size = frame_size_at(received);
    if (size == 0) return {};
    const auto kind = static_cast<wire::frame_kind>(received[4]);
    const bool is_goaway = kind == wire::frame_kind::goaway;
    if (kind != wire::frame_kind::reply && !is_goaway) return {size, false, false, 0};
    const bool failed = received[6] != 0 || received[7] != 0;
    const auto id = read_big_endian(received.data() + id_at);
    return {size, !is_goaway && id != registration_id, failed, id};
}

echo_traffic::echo_traffic(std::size_t frame_size) {
    const auto body = frame_size > wire::frame_header_size ? frame_size - wire::frame_header_size : 0;
    wire::append_frame(frame_, {wire::frame_kind::request, 0, 0, 0, 0}, std::string(body, 'e'));
}

void echo_traffic::request(std::string& out, std::uint64_t id, std::size_t) const {
    const auto start = out.size();
    out += frame_;
    write_big_endian(out.data() + start + id_at, id);
}

bench_traffic::answer echo_traffic::look_at(std::string_view received) const {
    const auto size = frame_size_at(received);
    if (size == 0) return {};
    return {size, true, false, read_big_endian(received.data() + id_at)};
}

http_traffic::http_traffic(const std::string& host, const std::string& path, const std::string& token)
    : request_("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" +
               (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") + "\r\n") {}

bench_traffic::answer http_traffic::look_at(std::string_view received) const {
    const auto head_end = received.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return {};
    const auto head = received.substr(0, head_end + 2);
    std::size_t length = 0;
    for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "})
        if (const auto at = head.find(name); at != std::string_view::npos)
            std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    const auto size = head_end + 4 + length;
    if (received.size() < size) return {};
    return {size, true, !head.starts_with("HTTP/1.1 200"), 0};
}

} // namespace stadion::tools
