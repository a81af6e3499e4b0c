#include "net/os/limited_log.hpp"

#include "wire/printable.hpp"

#include <google/protobuf/message_lite.h>
#include <spdlog/spdlog.h>

namespace stadion::net {
namespace {

constexpr std::size_t outside_bytes_max = 200;

void write(spdlog::level::level_enum level, std::string_view text, std::string_view from_outside,
           std::uint64_t left_out) noexcept {
    try {
        auto line = std::string(text) + wire::printable(from_outside, outside_bytes_max);
        if (left_out != 0) line += " (" + std::to_string(left_out) + " similar messages left out)";
        spdlog::log(level, "{}", line);
    } catch (...) { // no memory for a line of the log
    }
}

void on_protobuf_message(google::protobuf::LogLevel level, const char*, int, const std::string& message) {
    static limited_log log{std::chrono::seconds{10}};
    if (level == google::protobuf::LOGLEVEL_FATAL)
        spdlog::critical("protobuf: {}", wire::printable(message)); // it ends the process itself
    else
        log.warn("a message that was sent here is malformed: ", message);
}

} // namespace

bool limited_log::admits(clock::time_point now, std::uint64_t& left_out) noexcept {
    const auto at = now.time_since_epoch().count();
    auto next = next_at_.load(std::memory_order_relaxed);
    const auto then = at + std::chrono::duration_cast<clock::duration>(every_).count();
    if (at >= next && next_at_.compare_exchange_strong(next, then, std::memory_order_relaxed)) {
        lines_.store(1, std::memory_order_relaxed);
        left_out = left_out_.exchange(0, std::memory_order_relaxed);
        return true;
    }
    left_out = 0;
    if (lines_.load(std::memory_order_relaxed) < lines_max_ &&
        lines_.fetch_add(1, std::memory_order_relaxed) < lines_max_)
        return true;
    left_out_.fetch_add(1, std::memory_order_relaxed);
    return false;
}

void limited_log::warn(std::string_view text, std::string_view from_outside) noexcept {
    std::uint64_t left_out = 0;
    if (admits(clock::now(), left_out)) write(spdlog::level::warn, text, from_outside, left_out);
}

void limited_log::info(std::string_view text, std::string_view from_outside) noexcept {
    std::uint64_t left_out = 0;
    if (admits(clock::now(), left_out)) write(spdlog::level::info, text, from_outside, left_out);
}

void take_over_protobuf_log() { google::protobuf::SetLogHandler(&on_protobuf_message); }

} // namespace stadion::net
