#include "wire/strict_json.hpp"

#include "wire/utf8.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace stadion::wire {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& to, std::uint32_t point) {
    const auto tail = [&](int shift) { to += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
    if (point < 0x80) {
        to += static_cast<char>(point);
    } else if (point < 0x800) {
        to += static_cast<char>(0xc0 | point >> 6);
        tail(0);
    } else if (point < 0x10000) {
        to += static_cast<char>(0xe0 | point >> 12);
        tail(6);
        tail(0);
    } else {
        to += static_cast<char>(0xf0 | point >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

// Reads values one after the other; what is open is kept in a stack of its own, so that no text can exhaust
// the thread's.
class checker {
public:
    explicit checker(std::string_view text) : text_(text) {}

    result<void> run() {
        if (!is_utf8(text_)) return wrong("it is not UTF-8");
        for (;;) {
            skip_space();
            if (!value()) return *failure_;
            // A value has ended: so may what it is in.
            for (;;) {
                skip_space();
                if (open_.empty())
                    return at_ == text_.size() ? result<void>{} : wrong("something follows the value");
                if (next_is(',')) {
                    if (open_.back().is_object && !key()) return *failure_;
                    break;
                }
                if (!next_is(open_.back().is_object ? '}' : ']'))
                    return wrong("a comma or a closing bracket is missing");
                if (!close()) return *failure_;
            }
        }
    }

private:
    struct level {
        bool is_object = false;
        std::vector<std::string> keys; // unescaped
    };

    error wrong(const std::string& what) const {
        return make_error(status::invalid_argument,
                          "the JSON is not valid: " + what + " (byte " + std::to_string(at_ + 1) + ")");
    }
    bool fail(const std::string& what) {
        failure_ = wrong(what);
        return false;
    }
    bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }
    bool next_is(char c) {
        if (!is_at(c)) return false;
        ++at_;
        return true;
    }
    void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

    // Up to the end of a value that is no object and no array, or into the first of those that are in one.
    bool value() {
        for (;;) {
            if (at_ == text_.size()) return fail("a value is missing");
            const char c = text_[at_];
            if (c == '"') return string(nullptr);
            if (c == '-' || is_digit(c)) return number();
            if (c != '{' && c != '[') return literal();
            ++at_;
            if (open_.size() == static_cast<std::size_t>(json_depth_max))
                return fail("it nests deeper than " + std::to_string(json_depth_max) + " levels");
            open_.push_back({c == '{', {}});
            skip_space();
            if (next_is(c == '{' ? '}' : ']')) return close();
            if (c == '{' && !key()) return false;
        }
    }

    bool close() {
        auto& keys = open_.back().keys;
        std::sort(keys.begin(), keys.end());
        const auto twice = std::adjacent_find(keys.begin(), keys.end());
        if (twice != keys.end()) return fail("the key '" + twice->substr(0, 128) + "' is there twice");
        open_.pop_back();
        return true;
    }

    bool key() {
        skip_space();
        if (!is_at('"')) return fail("a key in double quotes is missing");
        open_.back().keys.emplace_back();
        if (!string(&open_.back().keys.back())) return false;
        skip_space();
        if (!next_is(':')) return fail("a colon is missing");
        skip_space();
        return true;
    }

    bool literal() {
        for (const std::string_view word : {"true", "false", "null"})
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return true;
            }
        return fail("a value is missing");
    }

    bool digits() {
        if (at_ == text_.size() || !is_digit(text_[at_])) return fail("a number is incomplete");
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        return true;
    }

    bool number() {
        next_is('-');
        if (next_is('0')) {
            if (at_ < text_.size() && is_digit(text_[at_])) return fail("a number begins with 0");
        } else if (!digits()) {
            return false;
        }
        if (next_is('.') && !digits()) return false;
        if (!next_is('e') && !next_is('E')) return true;
        if (!next_is('+')) next_is('-');
        return digits();
    }

    // Appends what it stands for to `to`, if that is asked for.
    bool string(std::string* to) {
        ++at_; // the quote
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (static_cast<unsigned char>(c) < ' ') return fail("a control character stands in a string");
            ++at_;
            if (c == '"') return true;
            if (c == '\\') {
                if (!escape(to)) return false;
            } else if (to != nullptr) {
                *to += c;
            }
        }
        return fail("a string does not end");
    }

    bool escape(std::string* to) {
        static constexpr std::string_view names = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        if (next_is('u')) return unicode_escape(to);
        const auto found = at_ < text_.size() ? names.find(text_[at_]) : std::string_view::npos;
        if (found == std::string_view::npos) return fail("there is no such escape");
        ++at_;
        if (to != nullptr) *to += meanings[found];
        return true;
    }

    bool unicode_escape(std::string* to) {
        auto point = four_digits();
        if (!point) return false;
        if (*point >= 0xdc00 && *point < 0xe000) return fail("an escape is half a surrogate pair");
        if (*point >= 0xd800 && *point < 0xdc00) {
            if (!next_is('\\') || !next_is('u')) return fail("an escape is half a surrogate pair");
            const auto low = four_digits();
            if (!low) return false;
            if (*low < 0xdc00 || *low >= 0xe000) return fail("an escape is half a surrogate pair");
            point = 0x10000 + ((*point - 0xd800) << 10) + (*low - 0xdc00);
        }
        if (to != nullptr) append_utf8(*to, *point);
        return true;
    }

    std::optional<std::uint32_t> four_digits() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = at_ < text_.size() ? text_[at_] : '\0';
            const int digit = is_digit(c)            ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) {
                fail("an escape has not four hexadecimal digits");
                return std::nullopt;
            }
            value = value * 16 + static_cast<std::uint32_t>(digit);
        }
        return value;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<level> open_;
    std::optional<error> failure_;
};

} // namespace

result<void> check_json(std::string_view text) { return checker(text).run(); }

} // namespace stadion::wire
