#include "tools/command/progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace stadion::tools {

std::string progress_text(std::string_view what, std::size_t done, std::size_t total, std::size_t width) {
    const auto numbers = " " + std::to_string(done) + "/" + std::to_string(total);
    auto text = std::string(what) + " [";
    const auto used = text.size() + 1 + numbers.size();
    if (used >= width) return std::string(what) + numbers;
    const auto room = width - used;
    const auto filled = total == 0 ? room : room * std::min(done, total) / total;
    return text.append(filled, '#').append(room - filled, ' ') + "]" + numbers;
}

progress_bar::progress_bar(std::string what)
    : what_(std::move(what)), visible_(::isatty(STDERR_FILENO) == 1) {}

void progress_bar::clear() {
    if (visible_ && !std::exchange(last_, {}).empty()) std::fputs("\r\033[K", stderr);
}

void progress_bar::show(std::size_t done, std::size_t total) {
    if (!visible_) return;
    auto text = progress_text(what_, done, total);
    if (text == last_) return;
    std::fprintf(stderr, "\r%s\033[K", text.c_str());
    std::fflush(stderr);
    last_ = std::move(text);
}

} // namespace stadion::tools
