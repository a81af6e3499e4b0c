// The spdlog sink of all processes: each message is one line, and each line one write.
//
// The processes of a fleet share one terminal, pipe or file. The system does not mix a write of at most
// PIPE_BUF bytes with other writes, so a longer line is cut. A message cannot begin a new line or move the
// cursor: control characters and bytes that are not UTF-8 are shown as \x1b.
//
// Threading: any thread. A line that cannot be written is lost.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>
#include <string_view>

namespace stadion::net {

inline constexpr std::size_t log_line_bytes_max = 4096; // PIPE_BUF, newline included

// `text` as one line of at most `bytes_max` bytes, without a newline. A line that was cut ends in "…".
std::string as_one_line(std::string_view text, std::size_t bytes_max);

class log_sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    // A regular file is switched to O_APPEND, because other processes write to it too.
    explicit log_sink(int descriptor);

    // Whether the level is coloured; by default it is on a terminal.
    void set_coloured(bool is_coloured) { is_coloured_ = is_coloured; }

private:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override {}

    int descriptor_;
    bool is_coloured_;
};

} // namespace stadion::net
