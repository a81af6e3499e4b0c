// A rate limit for log lines that a peer can cause: a number of lines per interval, then only a count of the
// lines left out.
//
// The part of a line that comes from the peer is escaped and bounded here, so a peer cannot forge a line.
// Threading: any thread; a line left out costs one atomic operation.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace stadion::net {

class limited_log {
public:
    using clock = std::chrono::steady_clock;

    explicit constexpr limited_log(std::chrono::milliseconds every = std::chrono::seconds{1},
                                   std::uint64_t lines_max = 1) noexcept
        : every_(every), lines_max_(lines_max) {}

    // `from_outside` is escaped and appended to `text`.
    void warn(std::string_view text, std::string_view from_outside = {}) noexcept;
    void info(std::string_view text, std::string_view from_outside = {}) noexcept;

    // Whether a line may be written now. If so, `left_out` is the number of lines left out before it.
    bool admits(clock::time_point now, std::uint64_t& left_out) noexcept;

private:
    const std::chrono::milliseconds every_;
    const std::uint64_t lines_max_;
    std::atomic<clock::rep> next_at_{0};
    std::atomic<std::uint64_t> lines_{0}; // in this interval
    std::atomic<std::uint64_t> left_out_{0};
};

// Sends libprotobuf's messages to our log, at a limited rate. Its default handler writes a line with the
// offending bytes to stderr for each string that is not UTF-8, and any caller can cause that before HELLO.
// Called once, in main.
void take_over_protobuf_log();

} // namespace stadion::net
