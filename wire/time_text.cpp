#include "wire/time_text.hpp"

#include <charconv>
#include <chrono>
#include <optional>

namespace stadion::wire {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t seconds_max = 253'402'300'800; // the year 10000

// Takes from the front of a text what it should begin with.
class scanner {
public:
    explicit scanner(std::string_view text) : text_(text) {}

    bool at_end() const { return text_.empty(); }
    bool take(char wanted) {
        if (text_.empty() || text_.front() != wanted) return false;
        text_.remove_prefix(1);
        return true;
    }
    // Exactly so many digits.
    std::optional<int> digits(std::size_t count) {
        int number = 0;
        if (text_.size() < count) return std::nullopt;
        for (const char c : text_.substr(0, count)) {
            if (c < '0' || c > '9') return std::nullopt;
            number = number * 10 + (c - '0');
        }
        text_.remove_prefix(count);
        return number;
    }
    std::optional<std::int64_t> whole() {
        std::int64_t number = 0;
        const auto [end, failure] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
        if (failure != std::errc{} || number > seconds_max) return std::nullopt;
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        return number;
    }
    // ".25" as microseconds; 0 when there is none.
    std::optional<std::int64_t> fraction() {
        if (!take('.')) return 0;
        std::int64_t fraction_us = 0, unit_us = second_us / 10;
        bool any = false;
        for (; !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; text_.remove_prefix(1)) {
            fraction_us += (text_.front() - '0') * unit_us;
            unit_us /= 10;
            any = true;
        }
        return any ? std::optional(fraction_us) : std::nullopt;
    }

private:
    std::string_view text_;
};

std::optional<std::int64_t> unix_seconds(std::string_view text) {
    scanner in(text);
    if (text.starts_with('-')) return std::nullopt;
    const auto seconds = in.whole();
    const auto fraction_us = seconds ? in.fraction() : std::nullopt;
    if (!fraction_us || !in.at_end()) return std::nullopt;
    return *seconds * second_us + *fraction_us;
}

// "Z", "+02:00" or "-0330", in seconds.
std::optional<int> offset(scanner& in) {
    if (in.take('Z')) return 0;
    const bool is_behind = in.take('-');
    if (!is_behind && !in.take('+')) return std::nullopt;
    const auto hours = in.digits(2);
    in.take(':');
    const auto minutes = hours ? in.digits(2) : std::nullopt;
    if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return (*hours * 3600 + *minutes * 60) * (is_behind ? -1 : 1);
}

std::optional<std::int64_t> iso_8601(std::string_view text) {
    using namespace std::chrono;
    scanner in(text);
    const auto next = [&in](bool follows, std::size_t count) {
        return follows ? in.digits(count) : std::nullopt;
    };
    const auto year_number = in.digits(4);
    const auto month_number = next(year_number && in.take('-'), 2);
    const auto day_number = next(month_number && in.take('-'), 2);
    const auto hour = next(day_number && in.take('T'), 2);
    const auto minute = next(hour && in.take(':'), 2);
    const auto second = next(minute && in.take(':'), 2);
    const auto fraction_us = second ? in.fraction() : std::nullopt;
    const auto ahead = fraction_us ? offset(in) : std::nullopt;
    if (!ahead || !in.at_end() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
    const year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)},
                              day{static_cast<unsigned>(*day_number)}};
    if (!date.ok()) return std::nullopt;
    const std::int64_t days = sys_days(date).time_since_epoch().count();
    return (days * 86'400 + *hour * 3600 + *minute * 60 + *second - *ahead) * second_us + *fraction_us;
}

} // namespace

result<std::int64_t> parse_time(std::string_view text) {
    if (const auto time = unix_seconds(text)) return *time;
    if (const auto time = iso_8601(text)) return *time;
    return make_error(status::invalid_argument,
                      "not a time: '" + std::string(text) +
                          "'; UNIX seconds such as 1782936900.25, or ISO 8601 such as 2026-07-01T20:15:00Z");
}

} // namespace stadion::wire
