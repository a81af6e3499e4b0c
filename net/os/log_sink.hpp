// Where log lines go: each message is one line, and each line one system call.
//
// A fleet's processes share one terminal, pipe or file. What the system takes in one write of at most
// PIPE_BUF bytes is never mixed with what others write; so a longer line is cut. Nothing in a message can
// begin a line of its own or move the cursor: control characters and bytes that are not UTF-8 are shown as
// \x1b.
//
// Threading: any thread. A line that the descriptor does not take is lost.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>
#include <string_view>

namespace stadion::net {

inline constexpr std::size_t log_line_bytes_max = 4096; // PIPE_BUF, newline included

// `text` as one line without its newline, of at most `bytes_max` bytes; cut, it ends in "…".
std::string as_one_line(std::string_view text, std::size_t bytes_max);

class log_sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    // A file is appended to, whatever others write to it meanwhile.
    explicit log_sink(int descriptor);

    // On a terminal the level is coloured.
    void set_coloured(bool is_coloured) { is_coloured_ = is_coloured; }

private:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override {}

    int descriptor_;
    bool is_coloured_;
};

} // namespace stadion::net
