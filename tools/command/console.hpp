// A command's input and output: lines of standard input, Ctrl-C, and other file descriptors, in one poll
// loop. On a terminal lines are edited with history and completion (libedit), and what arrives meanwhile is
// printed above the line being typed.
//
// Threading: one thread, the one that made it; only `post` may be called from others. Construct it before any
// thread is started: threads started later inherit its block of SIGINT and SIGTERM. One at a time per
// process.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::tools {

class console {
public:
    struct options {
        std::string prompt;
        std::string history_name; // of the file in the home directory; empty: none is kept
        // What may stand where `word` is, after `before` on the same line.
        std::function<std::vector<std::string>(std::string_view before, std::string_view word)> complete;
    };

    explicit console(options wanted);
    ~console();
    console(const console&) = delete;
    console& operator=(const console&) = delete;

    bool is_terminal() const noexcept;

    // Calls `on_readable` whenever there is something to read, until `forget`.
    void watch(int descriptor, std::function<void()> on_readable);
    void forget(int descriptor);

    // Any thread: runs `task` on the console's thread the next time it waits.
    void post(std::function<void()> task);

    // The next line without its newline; nothing at the end of the input, or when interrupted.
    std::optional<std::string> next_line();

    // Waits until the condition holds, without reading lines. False when Ctrl-C came, or the time passed,
    // before.
    bool wait_until(const std::function<bool()>& holds, std::optional<std::chrono::milliseconds> within = {});

    // Ctrl-C or SIGTERM came; `next_line` and `wait_until` forget it when they report it.
    bool was_terminated() const noexcept;

    void print(std::string_view line);    // data: standard output
    void complain(std::string_view line); // everything else: standard error

private:
    struct state;
    enum class waited : std::uint8_t { line, held, interrupted, ended, expired };
    using clock = std::chrono::steady_clock;

    waited wait(bool read_lines, const std::function<bool()>* holds, std::optional<clock::time_point> until);
    void run_posted();
    void write_line(int descriptor, std::string_view line);

    std::unique_ptr<state> state_;
};

} // namespace stadion::tools
