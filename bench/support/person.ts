/** Who is registered over and over. */
export const person = {
  firstName: 'Synthetic',
  middleName: 'Benchmark',
  lastName: 'Patient',
  dateOfBirth: '1990-01-01',
  gender: 'FEMALE',
  email: 'synthetic@example.org',
  phone: '+254711000111',
  addressLine1: '1 Test Street',
  city: 'Nairobi',
  country: 'KE',
} as const;
