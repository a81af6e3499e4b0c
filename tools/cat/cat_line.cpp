#include "tools/cat/cat_line.hpp"

namespace stadion::tools {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace

wire::result<cat_line> parse_cat_line(std::string_view text) {
    text = trim(text);
    if (text.empty() || text.front() == '#') return cat_line(cat_nothing{});
    const auto end = text.find_first_of(text.front() == '\\' ? " \t" : " \t{");
    const auto word = text.substr(0, end);
    const auto rest = end == std::string_view::npos ? std::string_view() : trim(text.substr(end));
    if (word.starts_with('\\')) {
        if (word.size() == 1)
            return wire::make_error(wire::status::invalid_argument, "\\help shows what there is");
        return cat_line(cat_directive{std::string(word.substr(1)), std::string(rest)});
    }
    if (word.empty())
        return wire::make_error(wire::status::invalid_argument,
                                "a line begins with a method: Service.Method {json}");
    if (!rest.empty() && rest.front() != '{')
        return wire::make_error(wire::status::invalid_argument, "after " + std::string(word) +
                                                                    " comes a JSON object, not '" +
                                                                    std::string(rest) + "'");
    return cat_line(cat_call{std::string(word), rest.empty() ? "{}" : std::string(rest)});
}

} // namespace stadion::tools
