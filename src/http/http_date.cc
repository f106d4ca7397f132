#include "http/http_date.h"

#include <algorithm>

#include "base/format.h"
#include "http/text.h"

namespace ringx::http {

namespace {

constexpr std::string_view day_names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::string_view month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int64_t day_seconds = 86400;

struct Date {
    int64_t year;
    int month;  // 1 to 12
    int day;    // 1 to 31
};

// Days from the epoch in the proleptic Gregorian calendar. The year is taken to begin in March, so that the leap day
// is its last; 400 years are 146097 days.
int64_t days_from(const Date& date) {
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

Date date_of(int64_t days) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = static_cast<int>((5 * day_of_year + 2) / 153);
    int day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

char* write_digits(char* out, int64_t number, int digits) {
    for (int i = digits - 1; i >= 0; --i, number /= 10) out[i] = static_cast<char>('0' + number % 10);
    return out + digits;
}

char* write_text(char* out, std::string_view text) { return std::copy(text.begin(), text.end(), out); }

// Takes a date apart from the front; the first thing that is not as it should be makes it bad for good.
class DateReader {
 public:
    explicit DateReader(std::string_view text) : rest_(text) {}

    bool is_bad() const { return is_bad_; }
    bool at_end() const { return !is_bad_ && rest_.empty(); }

    void skip(std::string_view text) {
        if (!rest_.starts_with(text)) is_bad_ = true;
        if (!is_bad_) rest_.remove_prefix(text.size());
    }
    void skip(char byte) {
        if (!rest_.starts_with(byte)) is_bad_ = true;
        if (!is_bad_) rest_.remove_prefix(1);
    }

    // A name of the day, short or in full; true if it was in full.
    bool skip_day_name() {
        for (std::string_view name : day_names) {
            if (!begins_with_3_of(name)) continue;
            bool is_full = rest_.starts_with(name);
            rest_.remove_prefix(is_full ? name.size() : 3);
            return is_full;
        }
        is_bad_ = true;
        return false;
    }

    int64_t number(size_t digits) {
        int64_t value = 0;
        if (rest_.size() < digits) is_bad_ = true;
        for (size_t i = 0; i < digits && !is_bad_; ++i) {
            if (!is_digit(rest_[i])) is_bad_ = true;
            value = value * 10 + (rest_[i] - '0');
        }
        if (is_bad_) return 0;
        rest_.remove_prefix(digits);
        return value;
    }

    // The day of an asctime-date: two digits, or a space and one.
    int64_t padded_number() {
        if (!rest_.starts_with(' ')) return number(2);
        rest_.remove_prefix(1);
        return number(1);
    }

    int month() {
        for (int i = 0; i < 12; ++i) {
            if (!begins_with_3_of(month_names[i])) continue;
            rest_.remove_prefix(3);
            return i + 1;
        }
        is_bad_ = true;
        return 0;
    }

    int64_t time_of_day() {
        int64_t hour = number(2);
        skip(':');
        int64_t minute = number(2);
        skip(':');
        int64_t second = number(2);
        if (hour > 23 || minute > 59 || second > 60) is_bad_ = true;  // 60: a leap second
        return hour * 3600 + minute * 60 + second;
    }

 private:
    bool begins_with_3_of(std::string_view name) const {
        return rest_.size() >= 3 && rest_[0] == name[0] && rest_[1] == name[1] && rest_[2] == name[2];
    }

    std::string_view rest_;
    bool is_bad_ = false;
};

bool exists(const Date& date) {
    constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    int length = lengths[date.month - 1] + (is_leap && date.month == 2 ? 1 : 0);
    return date.day >= 1 && date.day <= length;
}

}  // namespace

void write_http_date(int64_t seconds, char* out) {
    constexpr int64_t first = -62167219200;  // Sat, 01 Jan 0000
    constexpr int64_t last = 253402300799;   // Fri, 31 Dec 9999 23:59:59
    seconds = std::clamp(seconds, first, last);
    int64_t days = seconds / day_seconds;
    int64_t time = seconds % day_seconds;
    if (time < 0) {
        time += day_seconds;
        --days;
    }
    Date date = date_of(days);
    int64_t day_of_week = ((days + 4) % 7 + 7) % 7;  // the epoch was a Thursday

    out = write_text(out, day_names[day_of_week].substr(0, 3));
    out = write_text(out, ", ");
    out = write_digits(out, date.day, 2);
    *out++ = ' ';
    out = write_text(out, month_names[date.month - 1]);
    *out++ = ' ';
    out = write_digits(out, date.year, 4);
    *out++ = ' ';
    out = write_digits(out, time / 3600, 2);
    *out++ = ':';
    out = write_digits(out, time / 60 % 60, 2);
    *out++ = ':';
    out = write_digits(out, time % 60, 2);
    write_text(out, " GMT");
}

std::string cookie_date(int64_t seconds) {
    constexpr int64_t two_digits_max = 2145916799;  // the end of 2037
    auto date = http_date(seconds);
    std::string_view text(date.data(), date.size());
    std::string_view year = text.substr(12, 4);
    if (seconds <= two_digits_max) year.remove_prefix(2);
    return text::format("{}, {}-{}-{} {} GMT", text.substr(0, 3), text.substr(5, 2), text.substr(8, 3), year,
                        text.substr(17, 8));
}

std::array<char, http_date_bytes> http_date(int64_t seconds) {
    std::array<char, http_date_bytes> text;
    write_http_date(seconds, text.data());
    return text;
}

std::optional<int64_t> parse_http_date(std::string_view text) {
    DateReader reader(text);
    Date date{};
    int64_t time = 0;
    bool is_full_name = reader.skip_day_name();
    if (reader.is_bad()) return std::nullopt;

    size_t name = is_full_name ? text.find(',') : 3;
    bool is_asctime = name < text.size() && text[name] == ' ';
    if (is_asctime) {  // Sun Nov  6 08:49:37 1994
        reader.skip(' ');
        date.month = reader.month();
        reader.skip(' ');
        date.day = static_cast<int>(reader.padded_number());
        reader.skip(' ');
        time = reader.time_of_day();
        reader.skip(' ');
        date.year = reader.number(4);
    } else {  // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT
        std::string_view separator = is_full_name ? "-" : " ";
        reader.skip(", ");
        date.day = static_cast<int>(reader.number(2));
        reader.skip(separator);
        date.month = reader.month();
        reader.skip(separator);
        date.year = is_full_name ? reader.number(2) : reader.number(4);
        if (is_full_name) date.year += date.year < 70 ? 2000 : 1900;
        reader.skip(' ');
        time = reader.time_of_day();
        reader.skip(" GMT");
    }
    if (!reader.at_end() || !exists(date)) return std::nullopt;
    return days_from(date) * day_seconds + time;
}

}  // namespace ringx::http
