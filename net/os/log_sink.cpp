#include "net/os/log_sink.hpp"

#include "wire/utf8.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stadion::net {
namespace {

constexpr std::string_view cut_mark = "…";
constexpr std::string_view colour_end = "\033[m";

std::string_view colour_of(spdlog::level::level_enum level) {
    switch (level) {
    case spdlog::level::critical:
    case spdlog::level::err:
        return "\033[31m";
    case spdlog::level::warn:
        return "\033[33m";
    case spdlog::level::info:
        return "\033[32m";
    default:
        return "\033[36m";
    }
}

bool shows_colours(int descriptor) {
    const char* terminal = std::getenv("TERM");
    return ::isatty(descriptor) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

// The size of the first character in bytes; 0 when it cannot be shown.
std::size_t character_bytes(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x20 || first == 0x7f) return 0;
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (size > text.size() || !wire::is_utf8(text.substr(0, size))) return 0;
    const bool is_control = size == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    return is_control ? 0 : size;
}

} // namespace

std::string as_one_line(std::string_view text, std::size_t bytes_max) {
    std::string line;
    std::size_t fits = 0; // the longest part that leaves room for the mark
    while (!text.empty()) {
        if (const auto size = character_bytes(text)) {
            line += text.substr(0, size);
            text.remove_prefix(size);
        } else {
            char shown[8];
            std::snprintf(shown, sizeof shown, "\\x%02x", static_cast<unsigned char>(text.front()));
            line += shown;
            text.remove_prefix(1);
        }
        if (line.size() > bytes_max) return line.substr(0, fits).append(cut_mark);
        if (line.size() + cut_mark.size() <= bytes_max) fits = line.size();
    }
    return line;
}

log_sink::log_sink(int descriptor) : descriptor_(descriptor), is_coloured_(shows_colours(descriptor)) {
    struct stat what {};
    if (::fstat(descriptor, &what) == 0 && S_ISREG(what.st_mode))
        ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_APPEND);
}

void log_sink::sink_it_(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    std::string_view text(formatted.data(), formatted.size());
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);

    const auto colour = colour_of(message.level);
    auto line = as_one_line(text, log_line_bytes_max - colour.size() - colour_end.size() - 1);
    // The pattern before the level was not changed by as_one_line, so the offsets still hold.
    if (is_coloured_ && message.color_range_end > message.color_range_start &&
        message.color_range_end <= line.size()) {
        line.insert(message.color_range_end, colour_end);
        line.insert(message.color_range_start, colour);
    }
    line += '\n';
    while (::write(descriptor_, line.data(), line.size()) < 0 && errno == EINTR) {
    }
}

} // namespace stadion::net
