import { nameTable, parseName, splitNames, type WrittenName } from './name-table.ts';
import type { Random } from '../random.ts';

const entries = (text: string) => splitNames(text).map((entry) => parseName(entry));

/** Per 100,000: the order and shares that are usually quoted after Lê Trung Hoa (2005), rounded. */
export const vietnameseFamilies = nameTable({
  counted: `Nguyễn:31500|Trần:10900|Lê:8900|Phạm:5900|Huỳnh:2600|Hoàng:2500|Phan:2800|Vũ:2400|Võ:2500|Đặng:1900|Bùi:1700|Đỗ:1500|Hồ:1300|Ngô:1200|Dương:1100|Lý:600|Đinh:600|Trương:800|Đoàn:500|Lâm:500|Trịnh:500|
Mai:400|Đào:400|Cao:400|Hà:400|Tô:200|Tạ:200|Phùng:200|Châu:200|Thái:200|Quách:100|Tăng:100|Vương:100|Lương:300|Kiều:80|La:80|Tôn:60`,
});
const women = entries(
  'Lan|Hương|Mai|Hoa|Linh|Thảo|Trang|Hà|Hằng|Nga|Ngọc|Phương|Thu|Thủy|Yến|Anh|Hạnh|Nhung|Oanh|Loan|Tuyết|Vân|Dung|Châu|Quỳnh|Trâm|My|Vy|Nhi|Uyên',
);
const men = entries(
  'Hùng|Dũng|Tuấn|Minh|Nam|Anh|Hải|Long|Thắng|Sơn|Hiếu|Đức|Quân|Cường|Trung|Phong|Bình|Hoàng|Khoa|Tùng|Thành|Vinh|Việt|Huy|Kiên|Lâm|Phúc|Tài|Khánh|Bảo',
);
const womenMiddle = entries('Thị|Ngọc|Thu|Thanh|Minh|Kim|Phương|Hồng|Bích|Mỹ|Thùy|Khánh');
const menMiddle = entries('Văn|Hữu|Đức|Minh|Quang|Thanh|Công|Đình|Xuân|Quốc|Anh|Gia|Ngọc');
const one = (names: readonly WrittenName[]) => ({ pick: (random: Random) => names[random.skewed(names.length)] as WrittenName });
export const vietnameseFemale = one(women);
export const vietnameseMale = one(men);
export const vietnameseFemaleMiddle = one(womenMiddle);
export const vietnameseMaleMiddle = one(menMiddle);
