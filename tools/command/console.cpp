#include "tools/command/console.hpp"

#include <editline/readline.h>

#include <sys/eventfd.h>
#include <sys/poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

namespace stadion::tools {
namespace {

constexpr std::size_t read_size = 64 * 1024;
constexpr int history_lines_max = 1000;

// libedit keeps its state in globals, so its callbacks find the console here.
struct editor {
    std::deque<std::string>* lines = nullptr;
    bool* ended = nullptr;
    const console::options* wanted = nullptr;
    std::vector<std::string> candidates;
    std::size_t next_candidate = 0;
} editing;

void on_line(char* line) {
    if (line == nullptr) {
        *editing.ended = true;
        return;
    }
    if (*line != '\0') ::add_history(line);
    editing.lines->emplace_back(line);
    std::free(line);
}

char* next_candidate(const char*, int) {
    if (editing.next_candidate == editing.candidates.size()) return nullptr;
    return ::strdup(editing.candidates[editing.next_candidate++].c_str());
}

char** complete(const char* word, int start, int) {
    rl_attempted_completion_over = 1;
    if (!editing.wanted->complete) return nullptr;
    const std::string_view before(rl_line_buffer, static_cast<std::size_t>(start));
    editing.candidates = editing.wanted->complete(before, word);
    editing.next_candidate = 0;
    return ::rl_completion_matches(word, next_candidate);
}

std::string history_path(const std::string& name) {
    const char* home = std::getenv("HOME");
    return home == nullptr || name.empty() ? std::string() : std::string(home) + "/" + name;
}

} // namespace

struct console::state {
    options wanted;
    bool terminal = false;
    int signals = -1;
    int wake = -1;
    sigset_t mask{};
    std::map<int, std::function<void()>> watched;
    std::mutex mutex;
    std::vector<std::function<void()>> posted; // guarded by mutex
    std::deque<std::string> lines;
    std::string partial;
    bool prompting = false;
    bool ended = false;
    bool terminated = false;

    void show_prompt() {
        if (std::exchange(prompting, true)) return;
        ::rl_callback_handler_install(wanted.prompt.c_str(), on_line);
    }
    void hide_prompt() {
        if (!std::exchange(prompting, false)) return;
        ::rl_callback_handler_remove();
    }
    void read_pipe() {
        std::string buffer(read_size, '\0');
        const auto size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) return;
        if (size <= 0) {
            ended = true;
            if (!partial.empty()) lines.push_back(std::exchange(partial, {}));
            return;
        }
        partial.append(buffer, 0, static_cast<std::size_t>(size));
        std::size_t begin = 0;
        for (auto end = partial.find('\n'); end != std::string::npos; end = partial.find('\n', begin)) {
            lines.push_back(partial.substr(begin, end - begin));
            begin = end + 1;
        }
        partial.erase(0, begin);
    }
};

console::console(options wanted) : state_(std::make_unique<state>()) {
    state_->wanted = std::move(wanted);
    state_->terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
    std::signal(SIGPIPE, SIG_DFL); // `stadion cat … | head` ends with head
    state_->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ::sigemptyset(&state_->mask);
    ::sigaddset(&state_->mask, SIGINT);
    ::sigaddset(&state_->mask, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &state_->mask, nullptr);
    state_->signals = ::signalfd(-1, &state_->mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (!state_->terminal) return;
    editing = {&state_->lines, &state_->ended, &state_->wanted, {}, 0};
    rl_readline_name = "stadion";
    rl_attempted_completion_function = complete;
    static char word_breaks[] = " \t";
    rl_completer_word_break_characters = word_breaks;
    ::using_history();
    ::stifle_history(history_lines_max);
    if (const auto path = history_path(state_->wanted.history_name); !path.empty())
        ::read_history(path.c_str());
}

console::~console() {
    if (state_->terminal) {
        state_->hide_prompt();
        if (const auto path = history_path(state_->wanted.history_name); !path.empty())
            ::write_history(path.c_str());
        editing = {};
    }
    ::close(state_->wake);
    ::close(state_->signals);
    ::pthread_sigmask(SIG_UNBLOCK, &state_->mask, nullptr);
}

bool console::is_terminal() const noexcept { return state_->terminal; }
bool console::was_terminated() const noexcept { return state_->terminated; }

void console::watch(int descriptor, std::function<void()> on_readable) {
    state_->watched[descriptor] = std::move(on_readable);
}

void console::forget(int descriptor) { state_->watched.erase(descriptor); }

void console::post(std::function<void()> task) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->posted.push_back(std::move(task));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto size = ::write(state_->wake, &one, sizeof one);
}

void console::run_posted() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto size = ::read(state_->wake, &count, sizeof count);
    std::vector<std::function<void()>> tasks;
    {
        const std::lock_guard lock(state_->mutex);
        tasks.swap(state_->posted);
    }
    for (const auto& task : tasks) task();
}

std::optional<std::string> console::next_line() {
    if (wait(true, nullptr, {}) != waited::line) return std::nullopt;
    auto line = std::move(state_->lines.front());
    state_->lines.pop_front();
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
}

bool console::wait_until(const std::function<bool()>& holds,
                         std::optional<std::chrono::milliseconds> within) {
    const auto until = within ? std::optional(clock::now() + *within) : std::nullopt;
    return wait(false, &holds, until) == waited::held;
}

console::waited console::wait(bool read_lines, const std::function<bool()>* holds,
                              std::optional<clock::time_point> until) {
    auto& self = *state_;
    for (;;) {
        if (holds != nullptr && (*holds)()) return waited::held;
        if (read_lines && !self.lines.empty()) {
            if (self.terminal) self.hide_prompt();
            return waited::line;
        }
        if (read_lines && self.ended) return waited::ended;
        if (read_lines && self.terminal) self.show_prompt();

        std::vector<pollfd> polled{{self.signals, POLLIN, 0}, {self.wake, POLLIN, 0}};
        if (read_lines) polled.push_back({STDIN_FILENO, POLLIN, 0});
        const auto first_watched = polled.size();
        for (const auto& [descriptor, action] : self.watched) polled.push_back({descriptor, POLLIN, 0});
        int timeout_ms = -1;
        if (until) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - clock::now());
            if (left.count() <= 0) return waited::expired;
            timeout_ms = static_cast<int>(left.count());
        }
        if (::poll(polled.data(), polled.size(), timeout_ms) < 0) continue;

        if (polled[0].revents != 0) {
            signalfd_siginfo info{};
            if (::read(self.signals, &info, sizeof info) == sizeof info) {
                self.terminated = self.terminated || info.ssi_signo == SIGTERM;
                if (self.prompting) {
                    self.hide_prompt();
                    std::fputs("\n", stdout);
                    std::fflush(stdout);
                }
                return waited::interrupted;
            }
        }
        if (polled[1].revents != 0) run_posted();
        for (auto i = first_watched; i < polled.size(); ++i)
            if (polled[i].revents != 0)
                if (const auto found = self.watched.find(polled[i].fd); found != self.watched.end()) {
                    const auto action = found->second; // a copy: it may forget itself
                    action();
                }
        if (read_lines && polled[2].revents != 0) {
            if (self.terminal)
                ::rl_callback_read_char();
            else
                self.read_pipe();
        }
    }
}

void console::print(std::string_view line) { write_line(STDOUT_FILENO, line); }
void console::complain(std::string_view line) { write_line(STDERR_FILENO, line); }

void console::write_line(int descriptor, std::string_view line) {
    auto* const stream = descriptor == STDOUT_FILENO ? stdout : stderr;
    if (state_->prompting) std::fputs("\r\033[K", stdout), std::fflush(stdout);
    std::fwrite(line.data(), 1, line.size(), stream);
    std::fputc('\n', stream);
    std::fflush(stream);
    if (state_->prompting) ::rl_forced_update_display();
}

} // namespace stadion::tools
