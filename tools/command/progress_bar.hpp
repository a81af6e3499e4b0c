// A progress bar on standard error, where that is a terminal; nothing at all elsewhere. The text is made by a
// pure function.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stadion::tools {

// "what [####      ] 4/10", at most `width` columns.
std::string progress_text(std::string_view what, std::size_t done, std::size_t total, std::size_t width = 78);

class progress_bar {
public:
    explicit progress_bar(std::string what);
    ~progress_bar() { clear(); }

    void show(std::size_t done, std::size_t total);
    void clear();

private:
    std::string what_;
    bool visible_;
    std::string last_;
};

} // namespace stadion::tools
