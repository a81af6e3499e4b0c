#include "wire/json_text.hpp"

namespace stadion::wire {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_escaped(std::string& to, char c) {
    switch (c) {
    case '"':
        to += "\\\"";
        return;
    case '\\':
        to += "\\\\";
        return;
    case '\n':
        to += "\\n";
        return;
    case '\r':
        to += "\\r";
        return;
    case '\t':
        to += "\\t";
        return;
    default:
        to += "\\u00";
        to += hex_digits[static_cast<unsigned char>(c) >> 4];
        to += hex_digits[static_cast<unsigned char>(c) & 15];
    }
}

bool must_escape(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

} // namespace

void append_json_string(std::string& to, std::string_view text) {
    to += '"';
    std::size_t plain_from = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!must_escape(text[i])) continue;
        to.append(text, plain_from, i - plain_from);
        append_escaped(to, text[i]);
        plain_from = i + 1;
    }
    to.append(text, plain_from, text.size() - plain_from);
    to += '"';
}

void append_json_seconds(std::string& to, std::int64_t microseconds) {
    if (microseconds < 0) {
        to += '-';
        microseconds = -microseconds;
    }
    append_json_number(to, microseconds / 1'000'000);
    char fraction[7] = {'.', '0', '0', '0', '0', '0', '0'};
    std::int64_t rest = microseconds % 1'000'000;
    for (int i = 6; i > 0; --i, rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
    to.append(fraction, sizeof fraction);
}

} // namespace stadion::wire
